namespace QuorumMesh.Evm.Compiler;

/// <summary>A straight run of instructions: entered at its start only, left at its end only (or by a fault).</summary>
/// <param name="Start">Offset of the first instruction.</param>
/// <param name="End">Offset behind the last one.</param>
/// <param name="Needs">Least stack height at the start for no instruction to underflow.</param>
/// <param name="Grows">How far the stack rises above its height at the start.</param>
internal readonly record struct CodeBlock(int Start, int End, int Needs, int Grows)
{
    /// <summary>Cuts code into blocks: at jump destinations, and behind jumps, ends and calls (where a frame is entered again).</summary>
    public static List<CodeBlock> Split(Code code, Fork fork, int mostInstructions)
    {
        var blocks = new List<CodeBlock>();
        for (int pc = 0; pc < code.Length;)
        {
            CodeBlock block = Measure(code, fork, pc, mostInstructions);
            blocks.Add(block);
            pc = block.End;
        }

        return blocks;
    }

    private static CodeBlock Measure(Code code, Fork fork, int start, int most)
    {
        int needs = 0;
        int grows = 0;
        int height = 0;
        int pc = start;
        for (int count = 0; pc < code.Length && count < most; count++)
        {
            byte op = code.Bytes[pc];
            // A jump enters here: what the block before knows of its stack does not hold.
            if (op == (byte)Opcode.JUMPDEST && pc > start) break;
            if (!OpcodeTable.IsDefined(op, fork)) return new CodeBlock(start, pc + 1, needs, grows);
            OpcodeInfo row = OpcodeTable.Find(op)!;
            needs = Math.Max(needs, row.Pops - height);
            height += row.Pushes - row.Pops;
            grows = Math.Max(grows, height);
            pc += 1 + row.ImmediateSize;
            if (EndsBlock(row)) break;
        }

        return new CodeBlock(start, Math.Min(pc, code.Length), needs, grows);
    }

    private static bool EndsBlock(OpcodeInfo row) =>
        (row.Flags & OpcodeFlags.Terminates) != 0 || row.Opcode is Opcode.JUMP or Opcode.JUMPI || OpensFrame(row.Opcode);

    public static bool OpensFrame(Opcode op) =>
        op is Opcode.CREATE or Opcode.CREATE2 or Opcode.CALL or Opcode.CALLCODE or Opcode.DELEGATECALL or Opcode.STATICCALL;
}
