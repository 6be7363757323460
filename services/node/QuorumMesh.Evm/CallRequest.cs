using QuorumMesh.Primitives;

namespace QuorumMesh.Evm;

/// <summary>What a frame is opened with.</summary>
internal unsafe struct CallRequest
{
    public Opcode Kind;
    public Address Caller;

    /// <summary>The account whose storage and balance the frame uses; for a creation the new address.</summary>
    public Address Contract;

    public Address CodeAddress;
    public UInt256 Value;
    public byte* Input;
    public int InputLength;
    public long Gas;
    public bool IsStatic;

    /// <summary>What <see cref="CodeAddress"/> runs, where it is known already.</summary>
    public Code? Code;
}

/// <summary>Either a frame has been opened, or the call is over already.</summary>
internal readonly record struct CallOutcome(bool Opened, EvmStatus Status, long GasLeft, byte[] Output)
{
    public static CallOutcome Frame => new(true, EvmStatus.Success, 0, []);

    public static CallOutcome Done(EvmStatus status, long gasLeft) => new(false, status, gasLeft, []);
}
