using QuorumMesh.Primitives;

namespace QuorumMesh.Evm;

/// <summary>
/// One instruction before it runs, as geth's tracers see it: already priced, its memory already counted. The spans are valid only
/// during the call.
/// </summary>
public readonly ref struct EvmStep
{
    /// <summary>0 for the transaction's own frame.</summary>
    public int Depth { get; init; }

    /// <summary>Offset of the instruction in <see cref="Code"/>.</summary>
    public int Pc { get; init; }

    /// <summary>As it stands in the code, defined or not.</summary>
    public byte Opcode { get; init; }

    /// <summary>Left before the instruction is paid.</summary>
    public ulong Gas { get; init; }

    /// <summary>The whole price; of a call with the gas that is handed on (without the stipend), of a creation without it.</summary>
    public ulong Cost { get; init; }

    /// <summary>Not <see cref="EvmStatus.Success"/>: the instruction does not run, and ends the frame.</summary>
    public EvmStatus Status { get; init; }

    /// <summary>The last word is the top.</summary>
    public ReadOnlySpan<UInt256> Stack { get; init; }

    /// <summary>As it is; what the instruction adds to it reads as zero, see <see cref="MemorySize"/>.</summary>
    public ReadOnlySpan<byte> Memory { get; init; }

    /// <summary>Bytes of memory once the instruction has them; a multiple of 32.</summary>
    public int MemorySize { get; init; }

    /// <summary>The code that runs; under a delegation the delegate's.</summary>
    public ReadOnlySpan<byte> Code { get; init; }

    /// <summary>Of the last call that this frame made.</summary>
    public ReadOnlySpan<byte> ReturnData { get; init; }

    /// <summary>The account whose storage and balance the frame uses.</summary>
    public Address Contract { get; init; }

    /// <summary>The state that SLOAD of this frame reads.</summary>
    public IWorldState State { get; init; }

    /// <summary>The refund counter, in gas.</summary>
    public ulong Refund { get; init; }

    /// <param name="depth">0 is the top; must be there.</param>
    public UInt256 Peek(int depth) => Stack[^(depth + 1)];

    /// <summary>A range of <see cref="Memory"/> with what is beyond it as zeros; empty for a range that no gas could pay for.</summary>
    public byte[] Slice(in UInt256 offset, in UInt256 length)
    {
        if (length.IsZero || !length.IsUInt64 || !offset.IsUInt64) return [];
        ulong start = (ulong)offset, size = (ulong)length;
        if (size > EvmLimits.MemoryBytes || start > EvmLimits.MemoryBytes) return [];
        var copy = new byte[size];
        if (start < (ulong)Memory.Length)
            Memory.Slice((int)start, (int)Math.Min(size, (ulong)Memory.Length - start)).CopyTo(copy);
        return copy;
    }
}
