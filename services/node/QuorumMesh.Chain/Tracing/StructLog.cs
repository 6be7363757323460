using System.Collections.Immutable;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Tracing;

/// <summary>What the struct logger keeps beside the plain numbers.</summary>
public sealed record StructLogOptions
{
    public bool Stack { get; init; } = true;

    public bool Memory { get; init; } = true;

    public bool Storage { get; init; } = true;

    public bool ReturnData { get; init; }

    /// <summary>Storage shows slots that were read beside those written, as geth does from 1.9.14 on.</summary>
    public bool ShowsReads { get; init; }

    /// <summary>Steps to keep; 0 for all.</summary>
    public int Limit { get; init; }
}

/// <param name="Depth">1 for the transaction's own frame.</param>
/// <param name="Error">Null when the instruction runs.</param>
/// <param name="Stack">The last word is the top; null when not asked for.</param>
/// <param name="Memory">Whole words; null when not asked for.</param>
/// <param name="Storage">Slots of the running contract that were seen so far; null when not asked for.</param>
public sealed record StructLog(int Pc, byte Opcode, ulong Gas, ulong Cost, int Depth, string? Error, UInt256[]? Stack, byte[]? Memory,
    ImmutableSortedDictionary<UInt256, UInt256>? Storage, byte[]? ReturnData);
