using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Fuzz;

// Branches, loops, functions and jumps, in and out of order.
internal sealed partial class ProgramGenerator
{
    private const int DeepestNesting = 3;

    private void Branch()
    {
        int end = _writer.NewLabel();
        Value(OperandKind.Word);
        if (_random.OneIn(2)) _writer.Op(Opcode.ISZERO);
        _writer.PushLabel(end);
        _writer.Op(Opcode.JUMPI);
        _height--;
        bool isTwoSided = _random.OneIn(3);
        Body(_random.Between(1, 3), mayEnd: true);
        if (isTwoSided)
        {
            int other = end;
            end = _writer.NewLabel();
            _writer.PushLabel(end);
            _writer.Op(Opcode.JUMP);
            _writer.Mark(other);
            Body(_random.Between(1, 2), mayEnd: true);
        }

        _writer.Mark(end);
    }

    private void Loop()
    {
        int top = _writer.NewLabel();
        _writer.Push((UInt256)(ulong)(_random.OneIn(20) ? 200 : _random.Between(1, 5)));
        _height++;
        _writer.Mark(top);
        Body(_random.Between(1, 4), mayEnd: false);
        _writer.Push(UInt256.One);
        _writer.Op(Opcode.SWAP1);
        _writer.Op(Opcode.SUB);
        _writer.Op(Opcode.DUP1);
        _writer.PushLabel(top);
        _writer.Op(Opcode.JUMPI);
        if (!_random.OneIn(2)) return;
        _writer.Op(Opcode.POP);
        _height--;
    }

    /// <summary>Statements that leave the stack as high as it was, save for some that do not.</summary>
    private void Body(int statements, bool mayEnd)
    {
        if (_nesting >= DeepestNesting) return;
        int height = _height;
        int floor = _floor;
        _floor = height;
        _nesting++;
        for (; statements > 0; statements--) Statement();
        if (mayEnd && _random.OneIn(5)) EndEarly();
        if (!_random.OneIn(20))
        {
            while (_height > height)
            {
                _writer.Op(Opcode.POP);
                _height--;
            }

            while (_height < height) Push(OperandKind.Word);
        }

        _nesting--;
        _height = height;
        _floor = floor;
    }

    private void EndEarly()
    {
        switch (_random.Below(6))
        {
            case 0: _writer.Op(Opcode.STOP); break;
            case 1: _writer.Op(Opcode.INVALID); break;
            case 2: Operation(Opcode.SELFDESTRUCT); break;
            case 3: Operation(Opcode.REVERT); break;
            default: Operation(Opcode.RETURN); break;
        }
    }

    /// <summary>A function takes one word and gives one; its return is a jump to where the caller said.</summary>
    private void CallFunction()
    {
        if (_functions.Count == 0 || _random.OneIn(3)) _functions.Add(_writer.NewLabel());
        int back = _writer.NewLabel();
        _writer.PushLabel(back);
        _height++;
        Value(OperandKind.Word);
        _writer.PushLabel(_random.Pick(_functions));
        _writer.Op(Opcode.JUMP);
        _writer.Mark(back);
        _height--;
    }

    private void Functions()
    {
        _nesting = DeepestNesting - 1;
        for (int i = 0; i < _functions.Count; i++)
        {
            _writer.Mark(_functions[i]);
            _height = 2;
            _floor = 1;
            // No statement here adds a function: the list would never end.
            for (int statements = _random.Between(0, 3); statements > 0; statements--)
            {
                if (_random.OneIn(2)) Operation(_random.Pick(_arithmetic));
                else Operation(_random.Pick(_effects));
            }

            while (_height > 2)
            {
                _writer.Op(_random.OneIn(2) ? Opcode.POP : Opcode.XOR);
                _height--;
            }

            while (_height < 2) Push(OperandKind.Word);
            _writer.Op(Opcode.SWAP1);
            _writer.Op(Opcode.JUMP);
        }
    }

    /// <summary>Jumps whose target is not a constant before them, and jumps to nowhere.</summary>
    private void Jump()
    {
        int label = _writer.NewLabel();
        switch (_random.Below(7))
        {
            case 0:
                _writer.PushLabel(label);
                _writer.Push(_random.OneIn(6) ? new UInt256(1) << 64 * _random.Between(1, 3) : UInt256.Zero);
                _writer.Op(_random.OneIn(2) ? Opcode.ADD : Opcode.OR);
                _writer.Op(Opcode.JUMP);
                break;
            case 1:
                var offset = (UInt256)(ulong)(32 * _random.Below(3));
                _writer.PushLabel(label);
                _writer.Push(offset);
                _writer.Op(Opcode.MSTORE);
                Body(1, mayEnd: false);
                _writer.Push(offset);
                _writer.Op(Opcode.MLOAD);
                _writer.Op(Opcode.JUMP);
                break;
            case 2:
                _writer.Push((UInt256)(ulong)(32 * _random.Below(3)));
                _writer.Op(Opcode.CALLDATALOAD);
                Value(OperandKind.Word);
                _height--;
                _writer.Op(Opcode.SWAP1);
                _writer.Op(Opcode.JUMPI);
                break;
            case 3:
                Value(OperandKind.Word);
                _writer.Push((UInt256)(ulong)_random.Below(_writer.Length + 20));
                _writer.Op(Opcode.JUMPI);
                _height--;
                break;
            case 4:
                Value(OperandKind.Word);
                _writer.Push(_random.Word());
                _writer.Op(Opcode.JUMPI);
                _height--;
                break;
            case 5:
                Value(OperandKind.Word);
                _writer.PushLabel(label);
                _writer.Op(Opcode.JUMPI);
                _height--;
                _writer.Raw(_random.Bytes(_random.Between(1, 4)));
                break;
            default:
                _writer.PushLabel(label);
                _writer.Op(Opcode.JUMP);
                break;
        }

        _writer.Mark(label);
    }

    /// <summary>Behind a condition: a loop that grows the stack beyond its end, or eats it up.</summary>
    private void Flood()
    {
        int end = _writer.NewLabel();
        int top = _writer.NewLabel();
        Value(OperandKind.Word);
        _writer.PushLabel(end);
        _writer.Op(Opcode.JUMPI);
        _height--;
        _writer.Mark(top);
        bool grows = !_random.OneIn(3);
        for (int i = _random.Between(1, 12); i > 0; i--)
        {
            if (!grows) _writer.Op(Opcode.POP);
            else if (_height > 0) _writer.Op((Opcode)((int)Opcode.DUP1 + _random.Below(Math.Min(16, _height))));
            else _writer.Op(Opcode.MSIZE);
        }

        _writer.PushLabel(top);
        _writer.Op(Opcode.JUMP);
        _writer.Mark(end);
    }

    /// <summary>Any instruction, whatever the stack holds.</summary>
    private void Unchecked()
    {
        OpcodeInfo row = _random.Pick(OpcodeTable.Rows);
        _writer.Op(row.Opcode);
        if (row.ImmediateSize > 0) _writer.Raw(_random.Bytes(row.ImmediateSize));
        _height = Math.Max(0, _height + row.Pushes - row.Pops);
        _floor = Math.Min(_floor, _height);
    }

    private void Creation()
    {
        byte[] init = InitCode();
        ulong offset = 32 * (ulong)_random.Below(3);
        for (int start = 0; start < init.Length; start += 32)
        {
            byte[] padded = new byte[32];
            init.AsSpan(start, Math.Min(32, init.Length - start)).CopyTo(padded);
            _writer.Push(UInt256.FromBigEndian(padded));
            _writer.Push(offset + (ulong)start);
            _writer.Op(Opcode.MSTORE);
        }

        bool salted = _fork >= Fork.Constantinople && _random.OneIn(2);
        if (salted) _writer.Push((UInt256)(ulong)_random.Below(2));
        _writer.Push((UInt256)(ulong)init.Length);
        _writer.Push(offset);
        _writer.Push(Constant(OperandKind.Value));
        _writer.Op(salted ? Opcode.CREATE2 : Opcode.CREATE);
        _height++;
        if (!_random.OneIn(2)) return;
        // Calls what has been made.
        for (int i = 0; i < 5; i++) _writer.Push((UInt256)(ulong)_random.Below(33));
        _writer.Op(Opcode.DUP6);
        _writer.Op(Opcode.GAS);
        _writer.Op(Opcode.CALL);
        _height++;
    }

    private byte[] InitCode()
    {
        var init = new ProgramWriter(hasPush0: false);
        switch (_random.Below(6))
        {
            case 0:
                return _random.Bytes(_random.Between(0, 32));
            case 1:
                init.Push((UInt256)(ulong)_random.Below(70));
                init.Push((UInt256)(ulong)_random.Below(40));
                init.Op(_random.OneIn(3) ? Opcode.REVERT : Opcode.RETURN);
                break;
            case 2:
                init.Push((UInt256)(ulong)_random.Below(3));
                init.Push((UInt256)(ulong)_random.Below(3));
                init.Op(Opcode.SSTORE);
                init.Push(Constant(OperandKind.Account));
                init.Op(Opcode.SELFDESTRUCT);
                break;
            default:
                byte[] runtime = Runtime();
                init.Push(UInt256.FromBigEndian(runtime), runtime.Length);
                init.Push(UInt256.Zero);
                init.Op(Opcode.MSTORE);
                init.Push((UInt256)(ulong)runtime.Length);
                init.Push((UInt256)(ulong)(32 - runtime.Length));
                init.Op(Opcode.RETURN);
                break;
        }

        return init.Finish();
    }

    private byte[] Runtime()
    {
        if (_random.OneIn(10)) return [0xef, .. _random.Bytes(4)];
        if (_random.OneIn(4)) return _random.Bytes(_random.Between(1, 16));
        var runtime = new ProgramWriter(hasPush0: false);
        runtime.Op(Opcode.CALLVALUE);
        runtime.Push((UInt256)(ulong)_random.Below(4));
        runtime.Op(_random.OneIn(2) ? Opcode.SSTORE : Opcode.MSTORE);
        runtime.Op(Opcode.ADDRESS);
        runtime.Op(_random.OneIn(2) ? Opcode.SELFDESTRUCT : Opcode.BALANCE);
        runtime.Push(UInt256.One);
        runtime.Op(Opcode.SSTORE);
        return runtime.Finish();
    }
}
