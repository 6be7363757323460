using System.Globalization;
using QuorumMesh.Primitives;

namespace QuorumMesh.Evm;

/// <summary>Byte code as text, one instruction a line: offset, mnemonic, immediate.</summary>
public static class Disassembler
{
    /// <summary>One line an instruction: offset, name and immediate.</summary>
    public static IEnumerable<string> Lines(byte[] code)
    {
        for (int pc = 0; pc < code.Length;)
        {
            byte op = code[pc];
            int size = OpcodeTable.Find(op)?.ImmediateSize ?? 0;
            string line = string.Create(CultureInfo.InvariantCulture, $"{pc:x5}: {OpcodeTable.Name(op)}");
            // An immediate that the code cuts off reads as zeros at its end.
            if (size > 0) line += " " + Hex.ToHex(Immediate(code, pc + 1, size));
            yield return line;
            pc += 1 + size;
        }
    }

    private static byte[] Immediate(byte[] code, int start, int size)
    {
        byte[] value = new byte[size];
        int present = Math.Min(size, code.Length - start);
        if (present > 0) Array.Copy(code, start, value, 0, present);
        return value;
    }
}
