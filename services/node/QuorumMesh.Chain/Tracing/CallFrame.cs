using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Tracing;

/// <param name="Position">Calls that the frame had made before.</param>
public sealed record CallLog(Address Address, Hash256[] Topics, byte[] Data, int Position);

/// <summary>One call as callTracer shows it. Null members are left out.</summary>
public sealed class CallFrame
{
    public required Opcode Type { get; init; }

    public Address? From { get; init; }

    /// <summary>Of a creation inside a call only when it succeeded.</summary>
    public Address? To { get; internal set; }

    public UInt256? Value { get; init; }

    /// <summary>Null for a call in which no code ran.</summary>
    public ulong? Gas { get; internal set; }

    public ulong? GasUsed { get; internal set; }

    public byte[]? Input { get; init; }

    public byte[]? Output { get; internal set; }

    public string? Error { get; internal set; }

    public List<CallFrame> Calls { get; } = [];

    /// <summary>Only with that option.</summary>
    public List<CallLog> Logs { get; } = [];

    internal bool HasRun { get; set; }

    internal bool HasFailed { get; set; }

    /// <summary>A call that is not shown: to a precompile, or below the top when only that is wanted.</summary>
    internal bool IsHidden { get; init; }

    /// <summary>Where its running call wants the output.</summary>
    internal (UInt256 Offset, UInt256 Length) Result { get; set; }

    /// <summary>Where a creation puts its contract.</summary>
    internal Address? Created { get; init; }

    /// <summary>The last jump: where to, and what is there.</summary>
    internal (UInt256 Target, byte? Opcode) Jump { get; set; }
}
