namespace QuorumMesh.Evm;

/// <summary>Bounds of the Yellow Paper and of this machine.</summary>
public static class EvmLimits
{
    /// <summary>Words of a frame's stack (Yellow Paper, section 9.1).</summary>
    public const int StackSize = 1024;

    /// <summary>Frames above the transaction's own (Yellow Paper, section 8).</summary>
    public const int CallDepth = 1024;

    /// <summary>
    /// Largest memory of one frame in bytes. Its price (2^41 gas) is above any block's limit; beyond it a frame is out of gas.
    /// </summary>
    public const int MemoryBytes = 1 << 30;
}
