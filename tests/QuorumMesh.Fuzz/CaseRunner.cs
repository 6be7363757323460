using QuorumMesh.Evm;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Fuzz;

/// <summary>Runs cases in both tiers. One for each thread: it keeps its machines.</summary>
internal sealed class CaseRunner
{
    private static readonly BlockContext _block = new()
    {
        Coinbase = FuzzAddresses.Coinbase,
        Difficulty = 0x20000,
        Number = 300,
        Timestamp = 1_700_000_000,
        GasLimit = 30_000_000,
        BaseFee = 7,
        ChainId = 1337,
        BlockHash = static number => Keccak.Hash([(byte)number]),
    };

    private readonly Dictionary<(Fork, bool, EvmTier), EvmMachine> _machines = [];

    /// <summary>Null when the tiers agree; otherwise where they do not.</summary>
    public string? Compare(FuzzCase fuzzCase, out ulong gasUsed, out EvmStatus status)
    {
        FuzzOutcome interpreted = Run(fuzzCase, EvmTier.Interpreter);
        status = interpreted.Result.Status;
        gasUsed = interpreted.Thrown is null ? fuzzCase.Gas - interpreted.Result.GasLeft : 0;
        return OutcomeDifference.Find(interpreted, Run(fuzzCase, EvmTier.Compiled));
    }

    public FuzzOutcome Run(FuzzCase fuzzCase, EvmTier tier)
    {
        var publicState = new WorldState(new FuzzState(fuzzCase.Public));
        WorldState privateState = fuzzCase.Private is { } accounts ? new WorldState(new FuzzState(accounts)) : publicState;
        Prepare(publicState, fuzzCase);
        if (!ReferenceEquals(publicState, privateState)) Prepare(privateState, fuzzCase);
        try
        {
            EvmResult result = Execute(fuzzCase, Machine(fuzzCase, tier), publicState, privateState);
            return Observe(fuzzCase, result, publicState, privateState);
        }
        catch (Exception e)
        {
            // A failed machine is not used again: what it holds is unknown.
            _machines.Clear();
            return new FuzzOutcome { Thrown = e.ToString() };
        }
    }

    private static EvmResult Execute(FuzzCase fuzzCase, EvmMachine machine, WorldState publicState, WorldState privateState) =>
        fuzzCase.To is { } to
            ? machine.Call(FuzzAddresses.Caller, 9, FuzzAddresses.Caller, to, fuzzCase.Input, fuzzCase.Gas, fuzzCase.Value, publicState, privateState, null, [Hash256.EmptyCode])
            : machine.Create(FuzzAddresses.Caller, 9, FuzzAddresses.Caller, fuzzCase.Input, fuzzCase.Gas, fuzzCase.Value, publicState, privateState);

    private static void Prepare(WorldState state, FuzzCase fuzzCase)
    {
        state.BeginTransaction();
        if (fuzzCase.Fork < Fork.Berlin) return;
        state.WarmAddress(FuzzAddresses.Caller);
        if (fuzzCase.To is { } to) state.WarmAddress(to);
        for (ulong precompile = 1; precompile < 10; precompile++) state.WarmAddress(Address.FromWord(precompile));
    }

    private static FuzzOutcome Observe(FuzzCase fuzzCase, in EvmResult result, WorldState publicState, WorldState privateState)
    {
        IReadOnlyList<LogEntry> logs = privateState.Logs;
        ulong refund = privateState.Refund;
        bool deleteEmpty = fuzzCase.Fork >= Fork.SpuriousDragon;
        if (ReferenceEquals(publicState, privateState))
        {
            publicState.FinaliseTransaction(deleteEmpty);
            StateChangeSet changes = publicState.TakeChanges();
            return new FuzzOutcome { Result = result, Logs = logs, Refund = refund, Public = changes, Private = changes };
        }

        logs = [.. logs, .. publicState.Logs];
        refund += publicState.Refund << 32;
        publicState.FinaliseTransaction(deleteEmpty);
        privateState.FinaliseTransaction(deleteEmpty);
        return new FuzzOutcome { Result = result, Logs = logs, Refund = refund, Public = publicState.TakeChanges(), Private = privateState.TakeChanges() };
    }

    private EvmMachine Machine(FuzzCase fuzzCase, EvmTier tier)
    {
        if (_machines.TryGetValue((fuzzCase.Fork, fuzzCase.IsQuorum, tier), out EvmMachine? machine)) return machine;
        machine = new EvmMachine(_block, fuzzCase.Fork, new EvmOptions { IsQuorum = fuzzCase.IsQuorum, Tier = tier });
        return _machines[(fuzzCase.Fork, fuzzCase.IsQuorum, tier)] = machine;
    }
}
