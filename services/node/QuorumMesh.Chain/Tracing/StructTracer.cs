using System.Collections.Immutable;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Tracing;

/// <summary>geth's struct logger: every step with stack, memory and storage.</summary>
public sealed class StructTracer(StructLogOptions options, TraceErrors errors, TraceBudget budget) : IEvmTracer
{
    private const int StepBytes = 96;
    private const int WordBytes = 67;
    private const int SlotBytes = 134;

    private readonly List<StructLog> _logs = [];
    private readonly Dictionary<Address, ImmutableSortedDictionary<UInt256, UInt256>> _storage = [];
    private byte[] _memory = [];

    public IReadOnlyList<StructLog> Logs => _logs;

    /// <inheritdoc/>
    public void Step(in EvmStep step)
    {
        if (options.Limit != 0 && _logs.Count >= options.Limit) return;
        var stack = options.Stack ? step.Stack.ToArray() : null;
        var memory = options.Memory ? Memory(step) : null;
        var storage = options.Storage ? Storage(step) : null;
        var data = options.ReturnData ? step.ReturnData.ToArray() : null;
        budget.Take(StepBytes + ((stack?.Length ?? 0) + ((memory?.Length ?? 0) / 32)) * (long)WordBytes
            + ((storage?.Count ?? 0) * (long)SlotBytes) + ((data?.Length ?? 0) * 2L));
        var error = step.Status == EvmStatus.Success ? null : errors.Of(step);
        _logs.Add(new StructLog(step.Pc, step.Opcode, step.Gas, step.Cost, step.Depth + 1, error, stack, memory, storage, data));
    }

    /// <inheritdoc/>
    public void Enter(int depth, Opcode kind, in Address from, in Address to, ReadOnlySpan<byte> input, ulong gas, in UInt256 value)
    {
    }

    /// <inheritdoc/>
    public void Exit(int depth, EvmStatus status, ulong gasUsed, ReadOnlySpan<byte> output)
    {
    }

    /// <summary>Steps share the bytes as long as they stay the same.</summary>
    private byte[] Memory(in EvmStep step)
    {
        if (_memory.Length == step.MemorySize && step.Memory.Length == step.MemorySize && step.Memory.SequenceEqual(_memory))
            return _memory;
        var copy = new byte[step.MemorySize];
        step.Memory.CopyTo(copy);
        return _memory = copy;
    }

    private ImmutableSortedDictionary<UInt256, UInt256> Storage(in EvmStep step)
    {
        var seen = _storage.GetValueOrDefault(step.Contract) ?? ImmutableSortedDictionary<UInt256, UInt256>.Empty;
        if (step.Opcode == (byte)Opcode.SSTORE && step.Stack.Length >= 2) seen = seen.SetItem(step.Peek(0), step.Peek(1));
        else if (options.ShowsReads && step.Opcode == (byte)Opcode.SLOAD && step.Stack.Length >= 1)
            seen = seen.SetItem(step.Peek(0), step.State.GetStorage(step.Contract, step.Peek(0)));
        else return seen;
        return _storage[step.Contract] = seen;
    }
}
