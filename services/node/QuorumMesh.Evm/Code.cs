using System.Runtime.CompilerServices;
using QuorumMesh.Primitives;

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

    public ReadOnlySpan<byte> Bytes => _padded.AsSpan(0, Length);

    public int SizeInMemory => _padded.Length + _jumpDestinations.Length + 64;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsJumpDestination(in UInt256 target) =>
        target.IsUInt64 && target.U0 < (ulong)Length && (_jumpDestinations[(int)(target.U0 >> 3)] & 1 << (int)(target.U0 & 7)) != 0;

    private static byte[] Analyse(ReadOnlySpan<byte> code)
    {
        byte[] bits = new byte[code.Length / 8 + 1];
        for (int i = 0; i < code.Length; i++)
        {
            byte op = code[i];
            if (op == (byte)Opcode.JUMPDEST) bits[i >> 3] |= (byte)(1 << (i & 7));
            else if (op is >= (byte)Opcode.PUSH1 and <= (byte)Opcode.PUSH32) i += op - (byte)Opcode.PUSH0;
        }

        return bits;
    }
}
