using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Evm;
using QuorumMesh.Node.Rpc.Api;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Node.Rpc.Calls;

/// <summary>
/// What a private transaction is sent with by its privacy flag: it is run on the states of the head, and what it touches decides. Refusals
/// are GoQuorum's (24:internal/ethapi/api.go checkAndHandlePrivateTransaction, simulateExecutionForPE).
/// </summary>
internal static class PrivacySimulation
{
    /// <summary>Whether the flag is known, allowed at the head, and fits the mandatory recipients.</summary>
    /// <exception cref="RpcException">It does not.</exception>
    public static void Check(ulong flag, IReadOnlyList<string> mandatoryFor, bool isEnhanced)
    {
        if (flag > (ulong)PrivacyMode.PrivateStateValidation) throw new RpcException("invalid privacy flag");
        if (!isEnhanced && flag != 0)
            throw new RpcException("PrivacyEnhancements are disabled. Can only accept transactions with PrivacyFlag=0(StandardPrivate).");
        var needsMandatory = flag == (ulong)PrivacyMode.MandatoryRecipients;
        if (needsMandatory && mandatoryFor.Count == 0)
            throw new RpcException("missing mandatory recipients data. if no mandatory recipients required consider using "
                + "PrivacyFlag=1(PartyProtection)");
        if (!needsMandatory && mandatoryFor.Count > 0)
            throw new RpcException("privacy metadata invalid. mandatory recipients are only applicable for "
                + "PrivacyFlag=2(MandatoryRecipients)");
    }

    /// <param name="message">With the plain input.</param>
    /// <param name="moving">Contracts that nothing may be sent to now, with the management contracts of their extensions.</param>
    /// <param name="stop">Ends a run that takes too long.</param>
    /// <exception cref="RpcException">The transaction is not to be sent: it would fail at its parties.</exception>
    public static SendPrivacy Run(
        ReadScope scope, BlockHeader header, TransactionMessage message, PrivacyMode mode, IReadOnlyList<string> mandatoryFor,
        IReadOnlyDictionary<Address, Address> moving, CancellationToken stop)
    {
        var first = new Simulation(scope, header, message, stop);
        if (mode != PrivacyMode.StandardPrivate && message.To is { } to && first.HasNoCode(to))
            throw Refused("contract not found. cannot transact", to, "has no code at this node, which is no party to it", mode);
        var result = first.Run(null);
        if (!result.IsSuccess && mode != PrivacyMode.StandardPrivate) throw Failed(scope, header, message, result, stop);
        return new SendPrivacy(mode)
        {
            Affected = Affected(first, mode, moving),
            ExecutionHash = mode == PrivacyMode.PrivateStateValidation ? ExecutionHash(first) : "",
            MandatoryFor = mandatoryFor,
        };
    }

    private static List<PayloadHash> Affected(Simulation run, PrivacyMode mode, IReadOnlyDictionary<Address, Address> moving)
    {
        var creations = new SortedSet<PayloadHash>();
        foreach (var address in run.Affected.Called)
        {
            if (moving.TryGetValue(address, out var management)) throw TransactionSender.Moving(address, management);
            if (address == run.Marker || !run.Private.Exists(address)) continue;
            if (run.Private.GetPrivacy(address) is not { } metadata)
            {
                if (mode == PrivacyMode.StandardPrivate) continue;
                throw Refused($"PrivacyMetadata not found: {address.ToChecksumString()}: no account extra data found", address,
                    "was made with privacy flag 0", mode);
            }
            if (metadata.Mode != mode)
                throw Refused("sent privacy flag doesn't match all affected contract flags", address,
                    $"was made with privacy flag {(int)metadata.Mode}", mode);
            creations.Add(metadata.Creation);
        }
        return [.. creations];
    }

    /// <summary>GoQuorum's words as the message; which contract it is, and what would go, as the data.</summary>
    private static RpcException Refused(string message, in Address contract, string why, PrivacyMode mode) => new(
        RpcErrorCode.Server, message, $"contract {contract.ToChecksumString()} {why}; this transaction has flag {(int)mode}");

    private static string ExecutionHash(Simulation run) =>
        PrivacyVerification.ExecutionHash(run.Affected, run.Public, run.Private) is { } hash ? Convert.ToBase64String(hash.Bytes)
            : throw new RpcException("no state found for an account that the transaction makes and takes back: every party would fail it");

    private static RpcException Failed(
        ReadScope scope, BlockHeader header, TransactionMessage message, in EvmResult result, CancellationToken stop)
    {
        if (result.Status == EvmStatus.InvalidOpcode)
        {
            var last = new LastInvalid();
            new Simulation(scope, header, message, stop).Run(last);
            return new RpcException($"invalid opcode: opcode 0x{last.Opcode:x} not defined");
        }
        // What a creation returns is not looked at (runSimulation).
        return result.Status == EvmStatus.Revert && result.Output.Length > 0 && !message.IsCreation
            ? RevertStyle.Error(result.Status, result.Output) : new RpcException(RevertStyle.Text(result.Status));
    }

    /// <summary>One run; the states are used up by it.</summary>
    private sealed class Simulation
    {
        private readonly TransactionProcessor _processor;
        private readonly TransactionMessage _message;

        public Simulation(ReadScope scope, BlockHeader header, TransactionMessage message, CancellationToken stop)
        {
            var rules = scope.View.Rules;
            var transactionRules = rules.TransactionRulesAt(header.Number);
            _message = message;
            _processor = new TransactionProcessor(scope.View.ContextOf(header), rules.ForkAt(header.Number), transactionRules,
                stop: stop.CanBeCanceled ? () => stop.IsCancellationRequested : null);
            Marker = transactionRules.HasPrivacyPrecompile ? PrivacyMarker.Address : null;
            var ownState = scope.View.PrivateState(header.Number);
            Public = new WorldState(scope.View.PublicState(header.Number));
            // A creation has the nonce that it will have, not the head's: its address is in the execution hash.
            if (message.IsCreation) Public.SetNonce(message.From, message.Nonce);
            // A public contract is run in the public state alone (24:eth/api_backend.go GetEVM).
            Private = message.To is { } to && ownState.GetAccount(to) is null ? Public : new WorldState(ownState);
        }

        public Address? Marker { get; }

        public WorldState Public { get; }

        public WorldState Private { get; }

        public AffectedContracts Affected { get; } = new();

        public bool HasNoCode(in Address address) => (Private.Exists(address) ? Private : Public).GetCode(address).Length == 0;

        public EvmResult Run(IEvmTracer? tracer) => _processor.Simulate(_message, Public, Private, Affected, tracer);
    }

    /// <summary>The opcode that a run ended at.</summary>
    private sealed class LastInvalid : IEvmTracer
    {
        public byte Opcode { get; private set; }

        public void Step(in EvmStep step)
        {
            if (step.Status == EvmStatus.InvalidOpcode) Opcode = step.Opcode;
        }

        public void Enter(int depth, Opcode kind, in Address from, in Address to, ReadOnlySpan<byte> input, ulong gas, in UInt256 value)
        {
        }

        public void Exit(int depth, EvmStatus status, ulong gasUsed, ReadOnlySpan<byte> output)
        {
        }
    }
}
