using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Fuzz;

/// <summary>Writes byte code with labels, which are two-byte pushes.</summary>
internal sealed class ProgramWriter(bool hasPush0)
{
    private readonly List<byte> _code = [];
    private readonly List<int> _labels = [];
    private readonly List<(int Offset, int Label)> _uses = [];

    public int Length => _code.Count;

    public void Op(Opcode opcode) => _code.Add((byte)opcode);

    public void Raw(ReadOnlySpan<byte> bytes) => _code.AddRange(bytes);

    public void Push(in UInt256 word, int leastBytes = 1)
    {
        if (word.IsZero && hasPush0 && leastBytes <= 1)
        {
            Op(Opcode.PUSH0);
            return;
        }

        byte[] bytes = word.ToBigEndian();
        int size = Math.Max(Math.Max(1, word.ByteLength), leastBytes);
        Op((Opcode)((int)Opcode.PUSH0 + size));
        Raw(bytes.AsSpan(32 - size));
    }

    public int NewLabel()
    {
        _labels.Add(-1);
        return _labels.Count - 1;
    }

    public void PushLabel(int label)
    {
        Op(Opcode.PUSH2);
        _uses.Add((_code.Count, label));
        Raw([0, 0]);
    }

    /// <summary>Puts a JUMPDEST here.</summary>
    public void Mark(int label)
    {
        _labels[label] = _code.Count;
        Op(Opcode.JUMPDEST);
    }

    public byte[] Finish()
    {
        byte[] code = [.. _code];
        foreach ((int offset, int label) in _uses)
        {
            int target = Math.Max(0, _labels[label]);
            code[offset] = (byte)(target >> 8);
            code[offset + 1] = (byte)target;
        }

        return code;
    }
}
