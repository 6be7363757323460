using System.Reflection.Emit;
using System.Runtime.CompilerServices;

namespace QuorumMesh.Evm.Compiler;

/// <summary>
/// Compiles byte code to IL, block by block from the opcode table, and has the runtime turn it into machine code at once.
/// </summary>
internal static class CodeCompiler
{
    /// <summary>Null when the code is over a limit.</summary>
    public static CompiledCode? Compile(Code code, Fork fork, CompilerLimits limits)
    {
        if (code.Length is 0 or > CompilerLimits.CodeBytes) return null;
        List<CodeBlock> blocks = CodeBlock.Split(code, fork, limits.BlockInstructions);
        int[] blockOf = new int[code.Length];
        Array.Fill(blockOf, -1);
        for (int i = 0; i < blocks.Count; i++) blockOf[blocks[i].Start] = i;
        int[] chunkOf = new int[blocks.Count];
        var chunks = new List<CompiledChunk>();
        int size = (blockOf.Length + chunkOf.Length) * sizeof(int);
        int total = 0;
        for (int first = 0; first < blocks.Count;)
        {
            (int end, CompiledChunk chunk, int il) = CompileChunk(code, fork, blocks, blockOf, first, limits);
            Array.Fill(chunkOf, chunks.Count, first, end - first);
            total += il;
            if (total > limits.TotalIl) return null;
            chunks.Add(chunk);
            size += il * CompilerLimits.BytesPerIl + CompilerLimits.BytesPerChunk;
            first = end;
        }

        return new CompiledCode(blockOf, chunkOf, [.. chunks], size);
    }

    private static (int End, CompiledChunk Chunk, int Il) CompileChunk(Code code, Fork fork, List<CodeBlock> blocks, int[] blockOf,
        int first, CompilerLimits limits)
    {
        // How many blocks fit is known only once they are written, and jumps between them must know it before: too many are
        // tried, then fewer.
        int count = Math.Min(blocks.Count - first, limits.ChunkBlocks);
        while (true)
        {
            var method = new DynamicMethod("evm", typeof(int), [typeof(CompiledCode), typeof(Frame)], typeof(EvmMachine),
                skipVisibility: true)
            { InitLocals = false };
            ILGenerator il = method.GetILGenerator();
            int written = new ChunkEmitter(il, code, fork, blocks, blockOf, first, count, limits).Write();
            if (written == count)
            {
                var chunk = method.CreateDelegate<CompiledChunk>();
                RuntimeHelpers.PrepareDelegate(chunk);
                return (first + count, chunk, il.ILOffset);
            }

            count = written;
        }
    }
}
