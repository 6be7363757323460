using QuorumMesh.Primitives;
using static QuorumMesh.Evm.OpcodeFlags;

namespace QuorumMesh.Evm;

/// <summary>The one table of instructions: dispatch, gas per fork, tracer names and the disassembler derive from it.</summary>
public static class OpcodeTable
{
    private static readonly OpcodeInfo[] _rows =
    [
        new(Opcode.STOP, 0, 0, Fork.Frontier, Terminates, 0),
        new(Opcode.ADD, 2, 1, Fork.Frontier, None, 3),
        new(Opcode.MUL, 2, 1, Fork.Frontier, None, 5),
        new(Opcode.SUB, 2, 1, Fork.Frontier, None, 3),
        new(Opcode.DIV, 2, 1, Fork.Frontier, None, 5),
        new(Opcode.SDIV, 2, 1, Fork.Frontier, None, 5),
        new(Opcode.MOD, 2, 1, Fork.Frontier, None, 5),
        new(Opcode.SMOD, 2, 1, Fork.Frontier, None, 5),
        new(Opcode.ADDMOD, 3, 1, Fork.Frontier, None, 8),
        new(Opcode.MULMOD, 3, 1, Fork.Frontier, None, 8),
        new(Opcode.EXP, 2, 1, Fork.Frontier, DynamicGas, 10),
        new(Opcode.SIGNEXTEND, 2, 1, Fork.Frontier, None, 5),
        new(Opcode.LT, 2, 1, Fork.Frontier, None, 3),
        new(Opcode.GT, 2, 1, Fork.Frontier, None, 3),
        new(Opcode.SLT, 2, 1, Fork.Frontier, None, 3),
        new(Opcode.SGT, 2, 1, Fork.Frontier, None, 3),
        new(Opcode.EQ, 2, 1, Fork.Frontier, None, 3),
        new(Opcode.ISZERO, 1, 1, Fork.Frontier, None, 3),
        new(Opcode.AND, 2, 1, Fork.Frontier, None, 3),
        new(Opcode.OR, 2, 1, Fork.Frontier, None, 3),
        new(Opcode.XOR, 2, 1, Fork.Frontier, None, 3),
        new(Opcode.NOT, 1, 1, Fork.Frontier, None, 3),
        new(Opcode.BYTE, 2, 1, Fork.Frontier, None, 3),
        // EIP-145.
        new(Opcode.SHL, 2, 1, Fork.Constantinople, None, 3),
        new(Opcode.SHR, 2, 1, Fork.Constantinople, None, 3),
        new(Opcode.SAR, 2, 1, Fork.Constantinople, None, 3),
        // EIP-7939.
        new(Opcode.CLZ, 1, 1, Fork.Osaka, None, 5),
        new(Opcode.KECCAK256, 2, 1, Fork.Frontier, DynamicGas, 30),
        new(Opcode.ADDRESS, 0, 1, Fork.Frontier, None, 2),
        // EIP-150, EIP-1884; from Berlin on what reads an account is priced by access alone (EIP-2929).
        new(Opcode.BALANCE, 1, 1, Fork.Frontier, DynamicGas, 20, (Fork.TangerineWhistle, 400), (Fork.Istanbul, 700), (Fork.Berlin, 0)),
        new(Opcode.ORIGIN, 0, 1, Fork.Frontier, None, 2),
        new(Opcode.CALLER, 0, 1, Fork.Frontier, None, 2),
        new(Opcode.CALLVALUE, 0, 1, Fork.Frontier, None, 2),
        new(Opcode.CALLDATALOAD, 1, 1, Fork.Frontier, None, 3),
        new(Opcode.CALLDATASIZE, 0, 1, Fork.Frontier, None, 2),
        new(Opcode.CALLDATACOPY, 3, 0, Fork.Frontier, DynamicGas, 3),
        new(Opcode.CODESIZE, 0, 1, Fork.Frontier, None, 2),
        new(Opcode.CODECOPY, 3, 0, Fork.Frontier, DynamicGas, 3),
        new(Opcode.GASPRICE, 0, 1, Fork.Frontier, None, 2),
        new(Opcode.EXTCODESIZE, 1, 1, Fork.Frontier, DynamicGas, 20, (Fork.TangerineWhistle, 700), (Fork.Berlin, 0)),
        new(Opcode.EXTCODECOPY, 4, 0, Fork.Frontier, DynamicGas, 20, (Fork.TangerineWhistle, 700), (Fork.Berlin, 0)),
        // EIP-211.
        new(Opcode.RETURNDATASIZE, 0, 1, Fork.Byzantium, None, 2),
        new(Opcode.RETURNDATACOPY, 3, 0, Fork.Byzantium, DynamicGas, 3),
        // EIP-1052, EIP-1884, EIP-2929.
        new(Opcode.EXTCODEHASH, 1, 1, Fork.Constantinople, DynamicGas, 400, (Fork.Istanbul, 700), (Fork.Berlin, 0)),
        new(Opcode.BLOCKHASH, 1, 1, Fork.Frontier, None, 20),
        new(Opcode.COINBASE, 0, 1, Fork.Frontier, None, 2),
        new(Opcode.TIMESTAMP, 0, 1, Fork.Frontier, None, 2),
        new(Opcode.NUMBER, 0, 1, Fork.Frontier, None, 2),
        new(Opcode.DIFFICULTY, 0, 1, Fork.Frontier, None, 2),
        new(Opcode.GASLIMIT, 0, 1, Fork.Frontier, None, 2),
        // EIP-1344, then EIP-1884.
        new(Opcode.CHAINID, 0, 1, Fork.Istanbul, None, 2),
        new(Opcode.SELFBALANCE, 0, 1, Fork.Istanbul, None, 5),
        // In turn EIP-3198, EIP-4844, EIP-7516.
        new(Opcode.BASEFEE, 0, 1, Fork.London, None, 2),
        new(Opcode.BLOBHASH, 1, 1, Fork.Cancun, None, 3),
        new(Opcode.BLOBBASEFEE, 0, 1, Fork.Cancun, None, 2),
        new(Opcode.POP, 1, 0, Fork.Frontier, None, 2),
        new(Opcode.MLOAD, 1, 1, Fork.Frontier, DynamicGas, 3),
        new(Opcode.MSTORE, 2, 0, Fork.Frontier, DynamicGas, 3),
        new(Opcode.MSTORE8, 2, 0, Fork.Frontier, DynamicGas, 3),
        // EIP-150, EIP-1884, EIP-2929.
        new(Opcode.SLOAD, 1, 1, Fork.Frontier, DynamicGas, 50, (Fork.TangerineWhistle, 200), (Fork.Istanbul, 800), (Fork.Berlin, 0)),
        new(Opcode.SSTORE, 2, 0, Fork.Frontier, Writes | DynamicGas, 0),
        new(Opcode.JUMP, 1, 0, Fork.Frontier, None, 8),
        new(Opcode.JUMPI, 2, 0, Fork.Frontier, None, 10),
        new(Opcode.PC, 0, 1, Fork.Frontier, None, 2),
        new(Opcode.MSIZE, 0, 1, Fork.Frontier, None, 2),
        new(Opcode.GAS, 0, 1, Fork.Frontier, None, 2),
        new(Opcode.JUMPDEST, 0, 0, Fork.Frontier, None, 1),
        // In turn EIP-1153 (both), EIP-5656, EIP-3855.
        new(Opcode.TLOAD, 1, 1, Fork.Cancun, None, 100),
        new(Opcode.TSTORE, 2, 0, Fork.Cancun, Writes, 100),
        new(Opcode.MCOPY, 3, 0, Fork.Cancun, DynamicGas, 3),
        new(Opcode.PUSH0, 0, 1, Fork.Shanghai, None, 2),
        new(Opcode.PUSH1, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.PUSH2, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.PUSH3, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.PUSH4, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.PUSH5, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.PUSH6, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.PUSH7, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.PUSH8, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.PUSH9, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.PUSH10, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.PUSH11, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.PUSH12, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.PUSH13, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.PUSH14, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.PUSH15, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.PUSH16, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.PUSH17, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.PUSH18, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.PUSH19, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.PUSH20, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.PUSH21, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.PUSH22, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.PUSH23, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.PUSH24, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.PUSH25, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.PUSH26, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.PUSH27, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.PUSH28, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.PUSH29, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.PUSH30, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.PUSH31, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.PUSH32, 0, 1, Fork.Frontier, None, 3),
        new(Opcode.DUP1, 1, 2, Fork.Frontier, None, 3),
        new(Opcode.DUP2, 2, 3, Fork.Frontier, None, 3),
        new(Opcode.DUP3, 3, 4, Fork.Frontier, None, 3),
        new(Opcode.DUP4, 4, 5, Fork.Frontier, None, 3),
        new(Opcode.DUP5, 5, 6, Fork.Frontier, None, 3),
        new(Opcode.DUP6, 6, 7, Fork.Frontier, None, 3),
        new(Opcode.DUP7, 7, 8, Fork.Frontier, None, 3),
        new(Opcode.DUP8, 8, 9, Fork.Frontier, None, 3),
        new(Opcode.DUP9, 9, 10, Fork.Frontier, None, 3),
        new(Opcode.DUP10, 10, 11, Fork.Frontier, None, 3),
        new(Opcode.DUP11, 11, 12, Fork.Frontier, None, 3),
        new(Opcode.DUP12, 12, 13, Fork.Frontier, None, 3),
        new(Opcode.DUP13, 13, 14, Fork.Frontier, None, 3),
        new(Opcode.DUP14, 14, 15, Fork.Frontier, None, 3),
        new(Opcode.DUP15, 15, 16, Fork.Frontier, None, 3),
        new(Opcode.DUP16, 16, 17, Fork.Frontier, None, 3),
        new(Opcode.SWAP1, 2, 2, Fork.Frontier, None, 3),
        new(Opcode.SWAP2, 3, 3, Fork.Frontier, None, 3),
        new(Opcode.SWAP3, 4, 4, Fork.Frontier, None, 3),
        new(Opcode.SWAP4, 5, 5, Fork.Frontier, None, 3),
        new(Opcode.SWAP5, 6, 6, Fork.Frontier, None, 3),
        new(Opcode.SWAP6, 7, 7, Fork.Frontier, None, 3),
        new(Opcode.SWAP7, 8, 8, Fork.Frontier, None, 3),
        new(Opcode.SWAP8, 9, 9, Fork.Frontier, None, 3),
        new(Opcode.SWAP9, 10, 10, Fork.Frontier, None, 3),
        new(Opcode.SWAP10, 11, 11, Fork.Frontier, None, 3),
        new(Opcode.SWAP11, 12, 12, Fork.Frontier, None, 3),
        new(Opcode.SWAP12, 13, 13, Fork.Frontier, None, 3),
        new(Opcode.SWAP13, 14, 14, Fork.Frontier, None, 3),
        new(Opcode.SWAP14, 15, 15, Fork.Frontier, None, 3),
        new(Opcode.SWAP15, 16, 16, Fork.Frontier, None, 3),
        new(Opcode.SWAP16, 17, 17, Fork.Frontier, None, 3),
        new(Opcode.LOG0, 2, 0, Fork.Frontier, Writes | DynamicGas, 375),
        new(Opcode.LOG1, 3, 0, Fork.Frontier, Writes | DynamicGas, 750),
        new(Opcode.LOG2, 4, 0, Fork.Frontier, Writes | DynamicGas, 1125),
        new(Opcode.LOG3, 5, 0, Fork.Frontier, Writes | DynamicGas, 1500),
        new(Opcode.LOG4, 6, 0, Fork.Frontier, Writes | DynamicGas, 1875),
        new(Opcode.CREATE, 3, 1, Fork.Frontier, Writes | DynamicGas, 32000),
        // EIP-150, EIP-2929.
        new(Opcode.CALL, 7, 1, Fork.Frontier, DynamicGas, 40, (Fork.TangerineWhistle, 700), (Fork.Berlin, 0)),
        new(Opcode.CALLCODE, 7, 1, Fork.Frontier, DynamicGas, 40, (Fork.TangerineWhistle, 700), (Fork.Berlin, 0)),
        new(Opcode.RETURN, 2, 0, Fork.Frontier, Terminates | DynamicGas, 0),
        // In turn EIP-7, EIP-1014, EIP-214, EIP-140.
        new(Opcode.DELEGATECALL, 6, 1, Fork.Homestead, DynamicGas, 40, (Fork.TangerineWhistle, 700), (Fork.Berlin, 0)),
        new(Opcode.CREATE2, 4, 1, Fork.Constantinople, Writes | DynamicGas, 32000),
        new(Opcode.STATICCALL, 6, 1, Fork.Byzantium, DynamicGas, 700, (Fork.Berlin, 0)),
        new(Opcode.REVERT, 2, 0, Fork.Byzantium, Terminates | DynamicGas, 0),
        new(Opcode.INVALID, 0, 0, Fork.Frontier, Terminates, 0),
        new(Opcode.SELFDESTRUCT, 1, 0, Fork.Frontier, Writes | Terminates | DynamicGas, 0, (Fork.TangerineWhistle, 5000)),
    ];

    private static readonly OpcodeInfo?[] _byByte = Index();
    private static readonly string[] _names = Names();
    private static readonly ulong[][] _dispatch = [.. Enum.GetValues<Fork>().Select(BuildDispatch)];

    public static IReadOnlyList<OpcodeInfo> Rows => _rows;

    /// <summary>Null for a byte that no fork defines.</summary>
    public static OpcodeInfo? Find(byte opcode) => _byByte[opcode];

    public static bool IsDefined(byte opcode, Fork fork) =>
        _byByte[opcode] is { } row && row.Introduced <= fork && row.Opcode != Opcode.INVALID;

    /// <summary>The mnemonic as tracers print it.</summary>
    public static string Name(byte opcode) => _names[opcode];

    /// <summary>
    /// Per opcode, for the interpreter: bits 0-31 constant gas, bits 32-47 least stack height, bits 48-63 how much more is
    /// allowed, both in bytes. An undefined opcode asks for an impossible stack height.
    /// </summary>
    internal static ulong[] Dispatch(Fork fork) => _dispatch[(int)fork];

    private static OpcodeInfo?[] Index()
    {
        var index = new OpcodeInfo?[256];
        foreach (OpcodeInfo row in _rows) index[(byte)row.Opcode] = row;
        return index;
    }

    private static string[] Names()
    {
        var names = new string[256];
        for (int i = 0; i < names.Length; i++) names[i] = _byByte[i]?.Opcode.ToString() ?? $"opcode 0x{i:x2} not defined";
        return names;
    }

    private static ulong[] BuildDispatch(Fork fork)
    {
        ulong[] table = GC.AllocateArray<ulong>(256, pinned: true);
        for (int i = 0; i < table.Length; i++)
        {
            if (!IsDefined((byte)i, fork))
            {
                table[i] = 0xffffUL << 32;
                continue;
            }

            OpcodeInfo row = _byByte[i]!;
            int most = EvmLimits.StackSize - Math.Max(0, row.Pushes - row.Pops);
            table[i] = (ulong)row.ConstantGas(fork) | (ulong)(row.Pops * UInt256.Size) << 32
                | (ulong)((most - row.Pops) * UInt256.Size) << 48;
        }

        return table;
    }
}
