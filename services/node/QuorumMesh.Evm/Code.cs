using System.Runtime.CompilerServices;

namespace QuorumMesh.Evm;

/// <summary>Byte code ready to run: padded, pinned, with its jump destinations marked.</summary>
internal sealed unsafe class Code
{
    // The longest PUSH at the last byte reads 32 bytes beyond it; one more gives the implicit STOP.
    private const int Padding = 40;

    private readonly byte[] _padded;
    private readonly byte[] _jumpDestinations;

    public Code(ReadOnlySpan<byte> code)
    {
        Length = code.Length;
        _padded = GC.AllocateArray<byte>(code.Length + Padding, pinned: true);
        code.CopyTo(_padded);
        Start = (byte*)Unsafe.AsPointer(ref _padded[0]);
        _jumpDestinations = Analyse(code);
    }

    public static Code Empty { get; } = new([]);

    public int Length { get; }

    public byte* Start { get; }

    /// <summary>One bit an offset.</summary>
    public byte* JumpDestinations => (byte*)Unsafe.AsPointer(ref _jumpDestinations[0]);

    public ReadOnlySpan<byte> Bytes => _padded.AsSpan(0, Length);

    public int SizeInMemory => _padded.Length + _jumpDestinations.Length + 64;

    private static byte[] Analyse(ReadOnlySpan<byte> code)
    {
        byte[] bits = GC.AllocateArray<byte>(code.Length / 8 + 1, pinned: true);
        for (int i = 0; i < code.Length; i++)
        {
            byte op = code[i];
            if (op == (byte)Opcode.JUMPDEST) bits[i >> 3] |= (byte)(1 << (i & 7));
            else if (op is >= (byte)Opcode.PUSH1 and <= (byte)Opcode.PUSH32) i += op - (byte)Opcode.PUSH0;
        }

        return bits;
    }
}
