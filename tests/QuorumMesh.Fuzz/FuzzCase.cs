using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Fuzz;

/// <summary>One run: the world before it and the message. The same in every tier or the tiers are wrong.</summary>
public sealed record FuzzCase
{
    public required Fork Fork { get; init; }

    public bool IsQuorum { get; init; }

    /// <summary>Compiled with so small limits that a program has many chunks, cut blocks and few locals.</summary>
    public bool HasTightLimits { get; init; }

    public required IReadOnlyList<FuzzAccount> Public { get; init; }

    /// <summary>Null for a run over one state.</summary>
    public IReadOnlyList<FuzzAccount>? Private { get; init; }

    /// <summary>Null for a creation, whose init code is the input.</summary>
    public Address? To { get; init; }

    public byte[] Input { get; init; } = [];

    public ulong Gas { get; init; }

    public UInt256 Value { get; init; }
}
