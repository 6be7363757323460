using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Evm.Tests;

/// <summary>Writes byte code for tests.</summary>
internal sealed class Asm
{
    private readonly List<byte> _code = [];

    public static implicit operator byte[](Asm asm) => [.. asm._code];

    public Asm Op(params Opcode[] opcodes)
    {
        _code.AddRange(opcodes.Select(o => (byte)o));
        return this;
    }

    public Asm Push(ulong value)
    {
        byte[] bytes = new UInt256(value).ToMinimalBigEndian();
        if (bytes.Length == 0) bytes = [0];
        return Push(bytes);
    }

    public Asm Push(Address address) => Push(address.ToArray());

    public Asm Push(byte[] bytes)
    {
        _code.Add((byte)((byte)Opcode.PUSH0 + bytes.Length));
        _code.AddRange(bytes);
        return this;
    }

    /// <summary>Stores the top of the stack in a slot.</summary>
    public Asm StoreTop(ulong slot) => Push(slot).Op(Opcode.SSTORE);

    public Asm Store(ulong slot, ulong value) => Push(value).StoreTop(slot);

    public Asm ReturnTop() => Push(0).Op(Opcode.MSTORE).Push(32).Push(0).Op(Opcode.RETURN);

    /// <summary>Calls with no input and 32 bytes of output at 0; leaves the flag.</summary>
    public Asm Call(Opcode kind, Address to, ulong value = 0)
    {
        Push(32).Push(0).Push(0).Push(0);
        if (kind is Opcode.CALL or Opcode.CALLCODE) Push(value);
        return Push(to).Push(100_000).Op(kind);
    }

    /// <summary>Init code that deploys this code.</summary>
    public byte[] Deployer()
    {
        byte[] code = this;
        var init = new Asm().Push((ulong)code.Length).Op(Opcode.DUP1).Push(11).Push(0).Op(Opcode.CODECOPY).Push(0).Op(Opcode.RETURN);
        byte[] head = init;
        return [.. head, .. new byte[11 - head.Length], .. code];
    }
}
