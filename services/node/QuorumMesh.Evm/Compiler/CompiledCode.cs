namespace QuorumMesh.Evm.Compiler;

/// <summary>How a chunk of compiled code was left.</summary>
internal enum ChunkExit
{
    ChildOpened,
    Ended,

    /// <summary>The frame goes on at <see cref="Frame.Pc"/>, which another chunk holds.</summary>
    Elsewhere,
}

internal delegate int CompiledChunk(CompiledCode code, Frame frame);

/// <summary>Byte code compiled for one fork: its blocks, in chunks that the runtime still optimises.</summary>
internal sealed class CompiledCode
{
    /// <summary>The block that starts at an offset; -1 where none does.</summary>
    public readonly int[] BlockOf;

    private readonly int[] _chunkOf;
    private readonly CompiledChunk[] _chunks;

    public CompiledCode(int[] blockOf, int[] chunkOf, CompiledChunk[] chunks, int sizeInMemory)
    {
        BlockOf = blockOf;
        _chunkOf = chunkOf;
        _chunks = chunks;
        SizeInMemory = sizeInMemory;
        // Machine code lies outside the managed heap: the collector, which frees it once nothing runs or caches it, must hear of it.
        GC.AddMemoryPressure(sizeInMemory);
    }

    ~CompiledCode() => GC.RemoveMemoryPressure(SizeInMemory);

    /// <summary>Estimated, in bytes.</summary>
    public int SizeInMemory { get; }

    /// <summary>From the frame's position on. True when the frame has ended, false when it has opened a child.</summary>
    public bool Run(Frame frame)
    {
        while (true)
        {
            // Behind the last instruction there is no block: the interpreter stops there as well.
            if (frame.Pc >= BlockOf.Length) return End(frame);
            var exit = (ChunkExit)_chunks[_chunkOf[BlockOf[frame.Pc]]](this, frame);
            if (exit != ChunkExit.Elsewhere) return exit == ChunkExit.Ended;
        }
    }

    private static bool End(Frame frame)
    {
        frame.Status = EvmStatus.Success;
        return true;
    }
}
