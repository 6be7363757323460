using System.Runtime.CompilerServices;
using QuorumMesh.Evm.Compiler;

namespace QuorumMesh.Evm;

/// <summary>Byte code ready to run: padded, pinned, with its jump destinations marked.</summary>
internal sealed unsafe class Code
{
    // The longest PUSH at the last byte reads 32 bytes beyond it; one more gives the implicit STOP.
    private const int Padding = 40;
    private static readonly int _forks = Enum.GetValues<Fork>().Length;

    private readonly byte[] _padded;
    private readonly byte[] _jumpDestinations;
    private readonly Lock _gate = new();
    private readonly CompiledCode?[] _compiled = new CompiledCode?[_forks];
    private int _tried;
    private readonly int[] _heat = new int[_forks];

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

    public int SizeInMemory => _padded.Length + _jumpDestinations.Length + 64 + _compiled.Sum(c => c?.SizeInMemory ?? 0);

    /// <summary>Null until it is compiled.</summary>
    public CompiledCode? Compiled(Fork fork) => _compiled[(int)fork];

    /// <summary>Compiles it unless that has been tried before. Null when it is over a limit.</summary>
    /// <param name="home">The cache that counts the compiled body.</param>
    public CompiledCode? Compile(Fork fork, CompilerLimits limits, CodeCache home)
    {
        if (_compiled[(int)fork] is { } ready) return ready;
        lock (_gate)
        {
            // One try for each fork: what is over a limit would be found to be so again with each call.
            if ((_tried & 1 << (int)fork) != 0) return _compiled[(int)fork];
            _tried |= 1 << (int)fork;
            CompiledCode? compiled = CodeCompiler.Compile(this, fork, limits);
            if (compiled is not null) home.Grow(compiled.SizeInMemory);
            // Complete before it is seen: machines on other threads enter it without a lock.
            Volatile.Write(ref _compiled[(int)fork], compiled);
            return compiled;
        }
    }

    /// <summary>
    /// Notes a run that used some gas. True once a fork, when the code has become hot; counts lost between threads do not matter.
    /// </summary>
    public bool Heat(Fork fork, long gas)
    {
        ref int heat = ref _heat[(int)fork];
        int before = heat;
        if (before >= CompilerLimits.HotAt) return false;
        int after = before + 1 + (int)Math.Min(gas / 1000, CompilerLimits.HotAt);
        heat = after;
        return after >= CompilerLimits.HotAt;
    }

    public void Cool(Fork fork) => _heat[(int)fork] = 0;

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
