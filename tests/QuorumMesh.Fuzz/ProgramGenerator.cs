using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Fuzz;

/// <summary>
/// One random program: mostly statements that keep track of the stack so that it runs on, with branches, loops, functions, calls
/// and creations between them, now and then something that breaks every rule.
/// </summary>
internal sealed partial class ProgramGenerator
{
    private static readonly Opcode[][] _operations = [.. Enum.GetValues<Fork>().Select(Operations)];
    private static readonly Opcode[][] _environment = [.. Enum.GetValues<Fork>().Select(Environment)];
    private static readonly Opcode[] _arithmetic =
    [
        Opcode.ADD, Opcode.MUL, Opcode.SUB, Opcode.DIV, Opcode.SDIV, Opcode.MOD, Opcode.SMOD, Opcode.ADDMOD, Opcode.MULMOD, Opcode.EXP,
        Opcode.SIGNEXTEND,
        Opcode.LT, Opcode.GT, Opcode.SLT, Opcode.SGT, Opcode.EQ, Opcode.ISZERO, Opcode.AND, Opcode.OR, Opcode.XOR, Opcode.NOT, Opcode.BYTE,
        Opcode.SHL, Opcode.SHR, Opcode.SAR,
    ];

    private static readonly Opcode[] _effects =
    [
        Opcode.MSTORE, Opcode.MLOAD, Opcode.MSTORE, Opcode.MSTORE8, Opcode.SSTORE, Opcode.SLOAD, Opcode.SSTORE, Opcode.KECCAK256,
        Opcode.LOG0, Opcode.LOG2, Opcode.CALLDATACOPY,
        Opcode.CODECOPY, Opcode.CALLDATALOAD,
    ];

    /// <summary>Their result lies where their operand was.</summary>
    private static readonly Opcode[] _onOneWord = [Opcode.CALLDATALOAD, Opcode.SLOAD, Opcode.NOT, Opcode.ISZERO, Opcode.BALANCE,
        Opcode.BLOCKHASH];
    private static readonly ulong[] _byteEdges = [0, 7, 8, 15, 16, 23, 24, 29, 30, 31, 31, 32, 33];
    private static readonly ulong[] _shiftEdges = [0, 1, 63, 64, 65, 127, 128, 129, 191, 192, 193, 255, 256, 257];
    private static readonly Opcode[] _calls = [Opcode.CALL, Opcode.CALL, Opcode.CALLCODE, Opcode.DELEGATECALL, Opcode.STATICCALL];

    private readonly FuzzRandom _random;
    private readonly Fork _fork;
    private readonly ProgramWriter _writer;
    private readonly List<int> _functions = [];
    private int _height;
    private int _floor;
    private int _budget;
    private int _nesting;

    private ProgramGenerator(FuzzRandom random, Fork fork)
    {
        _random = random;
        _fork = fork;
        _writer = new ProgramWriter(fork >= Fork.Shanghai);
    }

    public static byte[] Generate(FuzzRandom random, Fork fork) => random.Below(24) switch
    {
        0 => random.Bytes(random.Between(1, 60)),
        1 => RandomOperations(random, fork),
        _ => new ProgramGenerator(random, fork).Structured(),
    };

    private static byte[] RandomOperations(FuzzRandom random, Fork fork)
    {
        var writer = new ProgramWriter(fork >= Fork.Shanghai);
        for (int i = random.Between(4, 50); i > 0; i--)
        {
            switch (random.Below(5))
            {
                case 0 or 1: writer.Push((UInt256)(ulong)random.Below(80)); break;
                case 2: writer.Op((Opcode)random.Between(0x80, 0x93)); break;
                case 3: writer.Op(random.Pick(_operations[(int)fork])); break;
                default: writer.Raw([(byte)random.Next()]); break;
            }
        }

        return writer.Finish();
    }

    private static Opcode[] Operations(Fork fork) =>
        [.. OpcodeTable.Rows.Where(r => OpcodeTable.IsDefined((byte)r.Opcode, fork) && r.ImmediateSize == 0
            && !r.Flags.HasFlag(OpcodeFlags.Terminates)
            && r.Opcode is not (Opcode.JUMP or Opcode.JUMPI or Opcode.JUMPDEST) and not (>= Opcode.DUP1 and <= Opcode.SWAP16))
            .Select(r => r.Opcode)];

    private static Opcode[] Environment(Fork fork) =>
        [.. OpcodeTable.Rows.Where(r => OpcodeTable.IsDefined((byte)r.Opcode, fork) && r.Pops == 0 && r.Pushes == 1 && r.ImmediateSize == 0)
            .Select(r => r.Opcode)];

    private byte[] Structured()
    {
        _budget = _random.Between(2, 18);
        while (_budget > 0) Statement();
        Epilogue();
        Functions();
        if (_random.OneIn(8)) _writer.Raw(_random.Bytes(_random.Between(1, 40)));
        if (_random.OneIn(8)) _writer.Op((Opcode)_random.Between(0x60, 0x7f));
        return _writer.Finish();
    }

    private void Statement()
    {
        _budget--;
        switch (_random.Below(64))
        {
            case < 16: Operation(_random.Pick(_arithmetic)); break;
            case < 24: Operation(_random.Pick(_operations[(int)_fork])); break;
            case < 32: Operation(_random.Pick(_effects)); break;
            case < 36: Push(OperandKind.Word); break;
            case < 40: Shuffle(); break;
            case < 42: Juggle(); break;
            case < 44: Value(OperandKind.Word); break;
            case < 47: Branch(); break;
            case < 50: Loop(); break;
            case < 53: Operation(_random.Pick(_calls)); break;
            case < 54: Creation(); break;
            case < 57: CallFunction(); break;
            case < 59: Jump(); break;
            case < 60: Flood(); break;
            case < 61: Unchecked(); break;
            case < 62: _writer.Raw(_random.Bytes(_random.Between(1, 6))); break;
            default: LeaveTrace(); break;
        }
    }

    /// <summary>An instruction with its operands: pushed for it, or what is there.</summary>
    /// <param name="freshOperands">In how many of four cases they are pushed although there would be some.</param>
    private void Operation(Opcode opcode, int freshOperands = 3)
    {
        OpcodeInfo row = OpcodeTable.Find((byte)opcode)!;
        if (_height - _floor < row.Pops || _random.Below(4) < freshOperands)
        {
            OperandKind[] kinds = OperandKinds.Of(opcode);
            for (int i = row.Pops - 1; i >= 0; i--) Value(kinds[i]);
        }

        _writer.Op(opcode);
        _height += row.Pushes - row.Pops;
    }

    private void Value(OperandKind kind)
    {
        if (_height > 0 && _random.OneIn(kind == OperandKind.Word ? 3 : 12))
        {
            _writer.Op((Opcode)((int)Opcode.DUP1 + _random.Below(Math.Min(16, _height))));
            _height++;
        }
        else if (kind is OperandKind.Word or OperandKind.Shift or OperandKind.Byte && _random.OneIn(kind == OperandKind.Word ? 3 : 6))
        {
            // A word that the compiler does not know; it computes with constants itself.
            _writer.Push((UInt256)(ulong)(32 * _random.Below(4)));
            _writer.Op(Opcode.CALLDATALOAD);
            _height++;
        }
        else if (_random.OneIn(kind is OperandKind.Word or OperandKind.Gas ? 5 : 30))
        {
            _writer.Op(kind == OperandKind.Gas ? Opcode.GAS : _random.Pick(_environment[(int)_fork]));
            _height++;
        }
        else
        {
            Push(kind);
        }
    }

    private void Push(OperandKind kind)
    {
        _writer.Push(Constant(kind), _random.OneIn(10) ? _random.Between(1, 32) : 1);
        _height++;
    }

    private UInt256 Constant(OperandKind kind) => kind switch
    {
        OperandKind.Offset => _random.Below(40) switch
        {
            0 => _random.Word(),
            1 => new UInt256((ulong)_random.Below(70_000)),
            < 14 => new UInt256(32 * (ulong)_random.Below(5)),
            < 22 => new UInt256(32 * (ulong)_random.Between(1, 5) + (ulong)_random.Between(0, 2) - 1),
            _ => new UInt256((ulong)_random.Below(160)),
        },
        OperandKind.Length => _random.Below(40) switch
        {
            0 => _random.Word(),
            1 => new UInt256((ulong)_random.Below(3000)),
            < 10 => UInt256.Zero,
            _ => new UInt256((ulong)_random.Below(100))
        },
        OperandKind.Source => _random.OneIn(10) ? _random.Word() : new UInt256((ulong)_random.Below(100)),
        OperandKind.Slot => _random.OneIn(20) ? _random.Word() : new UInt256((ulong)_random.Below(4)),
        OperandKind.Account => Account(),
        OperandKind.Gas => _random.Below(5) switch
        {
            0 => new UInt256((ulong)_random.Below(5000)),
            1 => _random.Word(),
            _ => new UInt256((ulong)_random.Below(60_000))
        },
        OperandKind.Value => _random.Below(6) switch
        {
            0 => UInt256.One,
            1 => new UInt256((ulong)_random.Below(2000)),
            2 => _random.Word(),
            _ => UInt256.Zero
        },
        OperandKind.Byte => _random.Below(12) switch
        {
            0 => _random.Word(),
            < 6 => new UInt256(_random.Pick(_byteEdges)),
            _ => new UInt256((ulong)_random.Below(35)),
        },
        OperandKind.Shift => _random.OneIn(12) ? _random.Word() : _random.OneIn(3) ? new UInt256(_random.Pick(_shiftEdges))
            : new UInt256((ulong)_random.Below(260)),
        OperandKind.Block => _random.OneIn(8) ? _random.Word() : new UInt256((ulong)_random.Below(320)),
        _ => _random.Word(),
    };

    private UInt256 Account() => _random.Below(12) switch
    {
        0 => _random.Word(),
        < 3 => new UInt256((ulong)_random.Between(1, 10)),
        3 => new UInt256((ulong)_random.Between(1, 0x14)),
        _ => _random.Pick(FuzzAddresses.Targets).ToWord(),
    };

    private void Shuffle()
    {
        int depth = Math.Min(_height - _floor, 17);
        switch (_random.Below(5))
        {
            case 0 when depth > 0:
                _writer.Op(Opcode.POP);
                _height--;
                break;
            case 1 or 2 when depth > 1:
                _writer.Op((Opcode)((int)Opcode.SWAP1 + _random.Below(depth - 1)));
                break;
            case 3:
                for (int i = _random.Between(1, 5); i > 0; i--) Value(OperandKind.Word);
                break;
            default:
                if (_height == 0) Push(OperandKind.Word);
                _writer.Op((Opcode)((int)Opcode.DUP1 + _random.Below(Math.Min(16, _height))));
                _height++;
                break;
        }
    }

    /// <summary>
    /// Copies, swaps and pops of words that the compiler may not have loaded yet, then an instruction on what lies there.
    /// </summary>
    private void Juggle()
    {
        while (_height - _floor < 3) Value(OperandKind.Word);
        if (!_random.OneIn(3)) _writer.Mark(_writer.NewLabel());
        for (int i = _random.Between(2, 9); i > 0; i--)
        {
            int depth = Math.Min(_height - _floor, 17);
            switch (_random.Below(5))
            {
                case 0 when depth > 3:
                    _writer.Op(Opcode.POP);
                    _height--;
                    break;
                case 1 or 2:
                    _writer.Op((Opcode)((int)Opcode.DUP1 + _random.Below(Math.Min(16, Math.Min(_height, 4)))));
                    _height++;
                    break;
                default:
                    _writer.Op((Opcode)((int)Opcode.SWAP1 + _random.Below(Math.Min(depth - 1, 5))));
                    break;
            }
        }

        Operation(_random.OneIn(2) ? _random.Pick(_onOneWord) : _random.Pick(_operations[(int)_fork]), freshOperands: 0);
    }

    private void LeaveTrace()
    {
        if (_height <= _floor) Value(OperandKind.Word);
        Push(_random.OneIn(2) ? OperandKind.Slot : OperandKind.Offset);
        _writer.Op(_random.OneIn(2) ? Opcode.SSTORE : Opcode.MSTORE);
        _height -= 2;
    }

    /// <summary>Makes what is on the stack visible, in one of the ways a frame can end.</summary>
    private void Epilogue()
    {
        int kept = 0;
        for (; kept < 4 && _height > 0; kept++, _height--)
        {
            _writer.Push((UInt256)(ulong)(32 * kept));
            _writer.Op(Opcode.MSTORE);
        }

        switch (_random.Below(10))
        {
            case 0:
                if (_functions.Count > 0) _writer.Op(Opcode.STOP);
                break;
            case 1:
                End(kept, _fork >= Fork.Byzantium ? Opcode.REVERT : Opcode.INVALID);
                break;
            case 2:
                _writer.Push(Constant(OperandKind.Account));
                _writer.Op(Opcode.SELFDESTRUCT);
                break;
            case 3:
                End(kept, Opcode.LOG0);
                _writer.Op(Opcode.STOP);
                break;
            default:
                End(kept, Opcode.RETURN);
                break;
        }
    }

    private void End(int words, Opcode opcode)
    {
        _writer.Push((UInt256)(ulong)(words == 0 ? _random.Below(64) : 32 * words));
        _writer.Push(UInt256.Zero);
        _writer.Op(opcode);
    }
}
