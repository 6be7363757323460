using System.Globalization;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Tracing;
using QuorumMesh.Evm;
using QuorumMesh.Evm.Compiler;
using QuorumMesh.Evm.Precompiles;
using QuorumMesh.Node.Rpc.Api;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Node.Rpc.Calls;

/// <summary>
/// Runs eth_call and eth_estimateGas on snapshots, by GoQuorum's rule for which state a call sees (2.5:eth/api_backend.go
/// GetEVM).
/// </summary>
internal sealed class CallExecutor(INode node, ulong gasCap)
{
    private const int MostRounds = 16;
    private const ulong TransactionGas = 21_000;
    private static readonly byte[] FullPayloadHash = Enumerable.Repeat((byte)0xff, PayloadHash.Size).ToArray();

    /// <summary>The sender can always pay, unless its balance is overridden.</summary>
    /// <exception cref="OperationCanceledException">Stopped while it ran.</exception>
    public TransactionOutcome Run(ReadScope scope, BlockHeader header, CallArguments arguments, CancellationToken stop, ulong? gas = null)
    {
        var (publicState, privateState) = StatesFor(scope, header, arguments);
        var call = Prepare(scope, header, arguments, publicState, privateState, stop, gas);
        if (arguments.Overrides?.SetsBalanceOf(call.Message.From) != true) call.Public.SetBalance(call.Message.From, UInt256.MaxValue);
        return call.Run();
    }

    private static (IStateReader Public, IStateReader? Private) StatesFor(ReadScope scope, BlockHeader header, CallArguments arguments)
    {
        var (publicState, privateState) = (scope.View.PublicState(header.Number), PrivateStateFor(scope, header, arguments));
        if (arguments.Overrides is not { } overrides) return (publicState, privateState);
        var shared = new StateOverlay(publicState);
        var own = privateState is null ? null : new StateOverlay(privateState);
        overrides.Apply(shared, own);
        return (shared, own);
    }

    /// <summary>
    /// What the call touches, as an access list that leads to itself, and the gas it takes with it (EIP-2930). Public only: a
    /// private transaction carries no list.
    /// </summary>
    /// <returns>The list, the gas used, and what a run that failed fails with.</returns>
    public (IReadOnlyList<AccessListEntry> List, ulong GasUsed, string? Error) AccessList(ReadScope scope, BlockHeader header,
        CallArguments arguments, CancellationToken stop)
    {
        var fork = scope.View.Rules.ForkAt(header.Number);
        if (fork < Fork.Berlin)
            throw new RpcException($"access lists come with Berlin (EIP-2930), which is not reached at block {header.Number}");
        var (publicState, privateState) = StatesFor(scope, header, arguments);
        if (privateState is not null)
            throw new RpcException($"{arguments.To} is a private contract: a private transaction cannot have an access list");
        var known = arguments.AccessList ?? [];
        for (var round = 0; ; round++)
        {
            var call = Prepare(scope, header, arguments with { AccessList = known }, publicState, null, stop);
            if (arguments.Overrides?.SetsBalanceOf(call.Message.From) != true) call.Public.SetBalance(call.Message.From, UInt256.MaxValue);
            Address[] warm = [call.Message.From, .. PrecompileTable.Addresses(fork),
                .. arguments.To is { } to ? [to] : Array.Empty<Address>()];
            var tracer = new AccessListTracer(warm, known);
            var before = tracer.Count;
            var outcome = call.Run(tracer);
            if (outcome.Invalid != TransactionInvalid.None) throw Invalid(outcome.Invalid);
            known = tracer.List;
            // Gas decides what some code touches: it need not come to rest.
            if (tracer.Count == before || round == MostRounds)
                return (known, outcome.GasUsed, outcome.PublicSuccess ? null : RevertStyle.Text(outcome.Status));
        }
    }

    /// <summary>The private state when the called account is there, else null.</summary>
    public static IStateReader? PrivateStateFor(ReadScope scope, BlockHeader header, CallArguments arguments) =>
        arguments.To is { } to && scope.Find(to, header.Number) is { IsPrivate: true } found ? found.State : null;

    /// <param name="privateState">See <see cref="PrivateStateFor"/>.</param>
    public PreparedCall Prepare(ReadScope scope, BlockHeader header, CallArguments arguments, IStateReader publicState,
        IStateReader? privateState, CancellationToken stop = default, ulong? gas = null)
    {
        var rules = scope.View.Rules;
        var fork = rules.ForkAt(header.Number);
        var accessList = fork >= Fork.Berlin ? arguments.AccessList : null;
        var message = new TransactionMessage
        {
            From = arguments.From is { IsZero: false } given ? given : DefaultFrom(),
            To = arguments.To,
            GasLimit = Math.Min(gas ?? (arguments.Gas is > 0 and var own ? own : gasCap), gasCap),
            GasPrice = arguments.GasPrice,
            MaxFeePerGas = arguments.GasPrice,
            MaxPriorityFeePerGas = arguments.GasPrice,
            Value = arguments.Value ?? UInt256.Zero,
            Data = arguments.Data,
            Type = arguments.AuthorizationList is not null ? TransactionType.SetCode : accessList is not null ? TransactionType.AccessList
                : TransactionType.Legacy,
            AccessList = accessList ?? [],
            AuthorizationList = arguments.AuthorizationList ?? [],
            Authorities = [.. (arguments.AuthorizationList ?? [])
                .Select(a => a.TryRecover(out var authority) ? authority : (Address?)null)],
            IsCall = true,
        };
        var processor = new TransactionProcessor(scope.View.ContextOf(header), fork, rules.TransactionRulesAt(header.Number),
            EvmTier.Auto, stop.CanBeCanceled ? () => stop.IsCancellationRequested : null);
        return new PreparedCall(processor, message, new WorldState(publicState),
            privateState is null ? null : new WorldState(privateState));
    }

    /// <summary>The output as eth_call answers it.</summary>
    public byte[] Call(ReadScope scope, BlockHeader header, CallArguments arguments, CancellationToken stop)
    {
        var outcome = Run(scope, header, arguments, stop);
        if (outcome.Invalid != TransactionInvalid.None) throw Invalid(outcome.Invalid);
        if (!outcome.PublicSuccess && !node.Profile.Rpc.AnswersFailedCalls) throw Failed(scope, header, arguments, outcome);
        return outcome.Output;
    }

    /// <summary>
    /// The least gas limit with which the call succeeds, and room for the 64-byte hash that a private transaction carries instead
    /// of its data.
    /// </summary>
    public ulong Estimate(ReadScope scope, BlockHeader header, CallArguments arguments, CancellationToken stop)
    {
        var high = Math.Min(arguments.Gas is >= TransactionGas and var own ? own : header.GasLimit, gasCap);
        var first = Run(scope, header, arguments, stop, high);
        if (!Succeeds(first)) throw CannotEstimate(scope, header, arguments, first, high);
        // What it used is a lower bound: gas is given back only at the end.
        var low = Math.Max(TransactionGas, first.GasUsed) - 1;
        while (low + 1 < high)
        {
            var middle = low + ((high - low) / 2);
            if (Succeeds(Run(scope, header, arguments, stop, middle))) high = middle;
            else low = middle;
        }
        return MayBePrivate(arguments) ? high + PayloadHashExtra(scope, header, arguments) : high;
    }

    /// <summary>Whether the estimate leaves room for a payload hash.</summary>
    private bool MayBePrivate(CallArguments arguments) =>
        node.Config.IsQuorum && (arguments.Value is { } value ? value.IsZero : node.Profile.Rpc.EstimatesForHashWithoutValue);

    private static bool Succeeds(in TransactionOutcome outcome) => outcome.Invalid == TransactionInvalid.None && outcome.PublicSuccess;

    private static ulong PayloadHashExtra(ReadScope scope, BlockHeader header, CallArguments arguments)
    {
        var fork = scope.View.Rules.ForkAt(header.Number);
        var withHash = IntrinsicGas.Least(FullPayloadHash, false, fork);
        var withData = IntrinsicGas.Least(arguments.Data, false, fork);
        return withHash > withData ? withHash - withData : 0;
    }

    private RpcException CannotEstimate(ReadScope scope, BlockHeader header, CallArguments arguments, in TransactionOutcome outcome,
        ulong limit)
    {
        if (node.Profile.Rpc.FailedEstimate is { } text) return new RpcException(string.Format(CultureInfo.InvariantCulture, text, limit));
        if (outcome.Invalid is not (TransactionInvalid.None or TransactionInvalid.IntrinsicGas)) return Invalid(outcome.Invalid);
        return outcome.Invalid == TransactionInvalid.IntrinsicGas || outcome.Status == EvmStatus.OutOfGas
            ? new RpcException($"gas required exceeds allowance ({limit})")
            : Failed(scope, header, arguments, outcome);
    }

    private static RpcException Failed(ReadScope scope, BlockHeader header, CallArguments arguments, in TransactionOutcome outcome) =>
        outcome.Status == EvmStatus.PrecompileFailure && arguments.To is { } precompile
            ? new RpcException(PrecompileErrors.Of(
                PrecompileTable.Explain(scope.View.Rules.ForkAt(header.Number), precompile, arguments.Data)))
            : RevertStyle.Error(outcome.Status, outcome.Output);

    private RpcException Invalid(TransactionInvalid reason) =>
        new(reason == TransactionInvalid.IntrinsicGas && node.Profile.Rpc.IntrinsicGasIsOutOfGas ? "out of gas"
            : TransactionInvalidText.Of(reason));

    private Address DefaultFrom() =>
        node.Profile.Rpc.CallsFromFirstAccount && node.Accounts.Accounts is [var first, ..] ? first : Address.Zero;
}
