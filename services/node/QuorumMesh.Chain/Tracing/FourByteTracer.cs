using QuorumMesh.Evm;
using QuorumMesh.Evm.Precompiles;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Tracing;

/// <summary>geth's 4byteTracer: how often each function selector is called, with the size of the arguments after it.</summary>
public sealed class FourByteTracer(Fork fork, TraceBudget budget) : IEvmTracer
{
    private const int SelectorSize = 4;
    private const int EntryBytes = 32;

    private readonly Dictionary<(uint Selector, ulong Arguments), int> _counts = [];

    /// <summary>Selectors in the order of their bytes, big endian.</summary>
    public IEnumerable<(uint Selector, ulong Arguments, int Count)> Counts =>
        _counts.OrderBy(c => c.Key.Selector).ThenBy(c => c.Key.Arguments).Select(c => (c.Key.Selector, c.Key.Arguments, c.Value));

    /// <inheritdoc/>
    public void Step(in EvmStep step)
    {
        if (step.Status != EvmStatus.Success) return;
        var first = (Opcode)step.Opcode switch
        {
            Opcode.CALL or Opcode.CALLCODE => 3,
            Opcode.DELEGATECALL or Opcode.STATICCALL => 2,
            _ => 0,
        };
        if (first == 0 || PrecompileTable.Addresses(fork).Contains(Address.FromWord(step.Peek(1)))) return;
        var length = step.Peek(first + 1);
        if (length.IsUInt64 && (ulong)length >= SelectorSize) Count(step.Slice(step.Peek(first), SelectorSize), (ulong)length);
    }

    /// <inheritdoc/>
    public void Enter(int depth, Opcode kind, in Address from, in Address to, ReadOnlySpan<byte> input, ulong gas, in UInt256 value)
    {
        if (depth == 0 && input.Length >= SelectorSize) Count(input[..SelectorSize], (ulong)input.Length);
    }

    /// <inheritdoc/>
    public void Exit(int depth, EvmStatus status, ulong gasUsed, ReadOnlySpan<byte> output)
    {
    }

    private void Count(ReadOnlySpan<byte> selector, ulong length)
    {
        var key = (System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(selector), length - SelectorSize);
        if (!_counts.TryGetValue(key, out var count)) budget.Take(EntryBytes);
        _counts[key] = count + 1;
    }
}
