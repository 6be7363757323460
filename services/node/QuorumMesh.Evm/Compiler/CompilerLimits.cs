namespace QuorumMesh.Evm.Compiler;

/// <summary>Bounds of the compiled tier. The runtime stops optimising methods beyond about 60,000 bytes of IL, hence the chunks.</summary>
internal sealed record CompilerLimits
{
    /// <summary>Longer code is always interpreted.</summary>
    public const int CodeBytes = 64 << 10;

    /// <summary>What a byte of IL comes to in memory: machine code, its tables and the method itself.</summary>
    public const int BytesPerIl = 8;

    /// <summary>What a chunk costs besides, in bytes: the method's own objects and tables.</summary>
    public const int BytesPerChunk = 24 << 10;

    /// <summary>Frames count 1 and each 1,000 gas one more; at this sum the code is worth compiling.</summary>
    public const int HotAt = 2_000;

    /// <summary>After so many backward jumps a running frame notes its heat, and goes on compiled when a body is there.</summary>
    public const int JumpsToCheck = 1_024;

    public static CompilerLimits Default { get; } = new();

    /// <summary>A chunk takes no further block from here on.</summary>
    public int ChunkIl { get; init; } = 24_000;

    /// <summary>
    /// Blocks tried in one chunk. Each takes 4 bytes of its table of entries, which would leave no room for the blocks themselves
    /// where code is a mass of small ones.
    /// </summary>
    public int ChunkBlocks { get; init; } = 1_500;

    /// <summary>
    /// Code that comes to more IL than this is always interpreted. Bounds time and memory of one compilation; what compilers of
    /// contracts write comes to 30 bytes of IL a byte.
    /// </summary>
    public int TotalIl { get; init; } = 3 << 20;

    /// <summary>64-bit locals in use inside a block before its stack is written out.</summary>
    public int Locals { get; init; } = 240;

    /// <summary>A straight run of instructions is cut here, so that no block outgrows its chunk.</summary>
    public int BlockInstructions { get; init; } = 400;
}
