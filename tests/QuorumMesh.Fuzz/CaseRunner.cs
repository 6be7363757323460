using QuorumMesh.Evm;
using QuorumMesh.Evm.Compiler;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Fuzz;

/// <summary>
/// Runs cases interpreted, compiled, and changing from the one to the other at some backward jump. One for each thread: it keeps
/// its machines.
/// </summary>
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

    private static readonly CompilerLimits _tight = new() { ChunkIl = 1_000, Locals = 12, BlockInstructions = 5 };

    private readonly CodeCache _codes = new();
    private readonly Dictionary<(Fork, bool, bool, EvmTier), EvmMachine> _machines = [];
    private FuzzRandom _jumps = new(0);

    /// <summary>Frames that began interpreted and went on compiled, in all runs so far.</summary>
    public long TakenOver { get; private set; }

    /// <summary>Null when all agree; otherwise where they do not.</summary>
    public string? Compare(FuzzCase fuzzCase, out ulong gasUsed, out EvmStatus status)
    {
        FuzzOutcome interpreted = Run(fuzzCase, EvmTier.Interpreter);
        status = interpreted.Result.Status;
        gasUsed = interpreted.Thrown is null ? fuzzCase.Gas - interpreted.Result.GasLeft : 0;
        if (OutcomeDifference.Find(interpreted, Run(fuzzCase, EvmTier.Compiled)) is { } difference) return difference;
        return OutcomeDifference.Find(interpreted, Run(fuzzCase, EvmTier.Auto)) is { } late ? "taken over: " + late : null;
    }

    /// <param name="tier">
    /// <see cref="EvmTier.Auto"/>: frames begin interpreted and go on compiled after a few backward jumps, how many depends on
    /// the case alone.
    /// </param>
    public FuzzOutcome Run(FuzzCase fuzzCase, EvmTier tier)
    {
        var publicState = new WorldState(new FuzzState(fuzzCase.Public));
        WorldState privateState = fuzzCase.Private is { } accounts ? new WorldState(new FuzzState(accounts)) : publicState;
        Prepare(publicState, fuzzCase);
        if (!ReferenceEquals(publicState, privateState)) Prepare(privateState, fuzzCase);
        _jumps = new FuzzRandom(fuzzCase.Gas);
        try
        {
            EvmMachine machine = Machine(fuzzCase, tier);
            long before = machine.FramesTakenOver;
            EvmResult result = Execute(fuzzCase, machine, publicState, privateState);
            TakenOver += machine.FramesTakenOver - before;
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
            ? machine.Call(FuzzAddresses.Caller, 9, FuzzAddresses.Caller, to, fuzzCase.Input, fuzzCase.Gas, fuzzCase.Value, publicState,
                privateState, null, [Hash256.EmptyCode])
            : machine.Create(FuzzAddresses.Caller, 9, FuzzAddresses.Caller, fuzzCase.Input, fuzzCase.Gas, fuzzCase.Value, publicState,
                privateState);

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
        return new FuzzOutcome
        {
            Result = result,
            Logs = logs,
            Refund = refund,
            Public = publicState.TakeChanges(),
            Private = privateState.TakeChanges()
        };
    }

    private EvmMachine Machine(FuzzCase fuzzCase, EvmTier tier)
    {
        (Fork, bool, bool, EvmTier) key = (fuzzCase.Fork, fuzzCase.IsQuorum, fuzzCase.HasTightLimits, tier);
        if (_machines.TryGetValue(key, out EvmMachine? machine)) return machine;
        var options = new EvmOptions
        {
            Code = _codes,
            Rules = new EvmRules { IsQuorum = fuzzCase.IsQuorum },
            Tier = tier,
            TakeOverAfter = tier == EvmTier.Auto ? NextJumps : null,
            Limits = fuzzCase.HasTightLimits ? _tight : CompilerLimits.Default,
        };
        return _machines[key] = new EvmMachine(_block, fuzzCase.Fork, options);
    }

    private int NextJumps() =>
        _jumps.Below(8) switch { 0 => int.MaxValue, 1 => _jumps.Between(1, 200), < 5 => 1, _ => _jumps.Between(2, 6) };
}
