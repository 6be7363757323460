namespace QuorumMesh.Evm;

/// <summary>What compiler and tools must know of an instruction beside its stack and gas.</summary>
[Flags]
public enum OpcodeFlags
{
    None = 0,

    /// <summary>Changes state: refused in static frames and in GoQuorum's read-only mode.</summary>
    Writes = 1,

    /// <summary>Ends the frame.</summary>
    Terminates = 2,

    /// <summary>Costs more than its constant gas, by memory, warmth or operands.</summary>
    DynamicGas = 4,
}

/// <summary>One row of the opcode table.</summary>
public sealed class OpcodeInfo
{
    private readonly uint _gas;
    private readonly (Fork From, uint Gas)[] _changes;

    internal OpcodeInfo(Opcode opcode, int pops, int pushes, Fork introduced, OpcodeFlags flags, uint gas,
        params (Fork From, uint Gas)[] changes)
    {
        Opcode = opcode;
        Pops = pops;
        Pushes = pushes;
        Introduced = introduced;
        Flags = flags;
        _gas = gas;
        _changes = changes;
    }

    public Opcode Opcode { get; }

    /// <summary>Words that must be there; for DUP and SWAP the reach.</summary>
    public int Pops { get; }

    public int Pushes { get; }

    public Fork Introduced { get; }

    public OpcodeFlags Flags { get; }

    /// <summary>Immediate bytes that follow the opcode.</summary>
    public int ImmediateSize => Opcode is >= Opcode.PUSH1 and <= Opcode.PUSH32 ? Opcode - Opcode.PUSH0 : 0;

    /// <summary>The part of the price that depends on the fork alone.</summary>
    public uint ConstantGas(Fork fork)
    {
        uint gas = _gas;
        foreach ((Fork from, uint changed) in _changes)
            if (fork >= from)
                gas = changed;
        return gas;
    }
}
