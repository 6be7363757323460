using System.Reflection;
using System.Reflection.Emit;
using QuorumMesh.Primitives;

namespace QuorumMesh.Evm.Compiler;

// Arithmetic, comparisons and bits in line, limb by limb; what is known while compiling is computed here.
internal sealed partial class ChunkEmitter
{
    private static readonly MethodInfo _multiplyHigh = OutOfLine.MultiplyHigh;

    /// <summary>False when the instruction, or this case of it, is better out of line; nothing has been written then.</summary>
    private bool WriteArithmetic(Opcode op)
    {
        switch (op)
        {
            case Opcode.ISZERO:
                Push(IsZero(Pop()));
                return true;
            case Opcode.NOT:
                Push(Not(Pop()));
                return true;
            case Opcode.ADD or Opcode.SUB or Opcode.MUL or Opcode.DIV or Opcode.MOD or Opcode.AND or Opcode.OR or Opcode.XOR or Opcode.EQ
                or Opcode.LT or Opcode.GT or Opcode.SLT or Opcode.SGT or Opcode.SHL or Opcode.SHR or Opcode.SAR or Opcode.BYTE:
                return WriteBinary(op);
            default:
                return false;
        }
    }

    private bool WriteBinary(Opcode op)
    {
        StackValue a = At(_height - 1);
        StackValue b = At(_height - 2);
        StackValue? result = Fold(op, a, b) ?? InLine(op, a, b);
        if (result is null) return false;
        Pop();
        Pop();
        Push(result);
        return true;
    }

    private static StackValue? Fold(Opcode op, StackValue a, StackValue b)
    {
        if (!a.TryConstant(out UInt256 x) || !b.TryConstant(out UInt256 y)) return null;
        return op switch
        {
            Opcode.ADD => StackValue.Constant(x + y),
            Opcode.SUB => StackValue.Constant(x - y),
            Opcode.MUL => StackValue.Constant(x * y),
            Opcode.DIV => StackValue.Constant(x / y),
            Opcode.MOD => StackValue.Constant(x % y),
            Opcode.AND => StackValue.Constant(x & y),
            Opcode.OR => StackValue.Constant(x | y),
            Opcode.XOR => StackValue.Constant(x ^ y),
            _ => null,
        };
    }

    private StackValue? InLine(Opcode op, StackValue a, StackValue b) => op switch
    {
        Opcode.ADD => Add(a, b),
        Opcode.SUB => Subtract(a, b),
        Opcode.MUL => Multiply(a, b),
        Opcode.DIV => b.TryConstant(out UInt256 divisor) && IsPowerOfTwo(divisor) ? ShiftRight(a, divisor.BitLength - 1, Limb.Zero) : null,
        Opcode.MOD => b.TryConstant(out UInt256 modulus) && IsPowerOfTwo(modulus)
            ? Bitwise(OpCodes.And, a, StackValue.Constant(modulus - UInt256.One)) : null,
        Opcode.AND => Bitwise(OpCodes.And, a, b),
        Opcode.OR => Bitwise(OpCodes.Or, a, b),
        Opcode.XOR => Bitwise(OpCodes.Xor, a, b),
        Opcode.EQ => AreEqual(a, b),
        Opcode.LT => IsLess(a, b, signed: false),
        Opcode.GT => IsLess(b, a, signed: false),
        Opcode.SLT => IsLess(a, b, signed: true),
        Opcode.SGT => IsLess(b, a, signed: true),
        Opcode.SHL => a.TryConstant(out UInt256 by) ? ShiftLeft(b, ShiftCount(by)) : null,
        Opcode.SHR => a.TryConstant(out UInt256 by) ? ShiftRight(b, ShiftCount(by), Limb.Zero) : null,
        Opcode.SAR => a.TryConstant(out UInt256 by) ? ShiftRight(b, ShiftCount(by), Sign(b)) : null,
        Opcode.BYTE => a.TryConstant(out UInt256 index) ? Byte(index, b) : null,
        _ => null,
    };

    private static bool IsPowerOfTwo(in UInt256 word) => !word.IsZero && (word & word - UInt256.One).IsZero;

    private static int ShiftCount(in UInt256 by) => by.IsUInt64 && by.U0 < 256 ? (int)by.U0 : 256;

    private StackValue Add(StackValue a, StackValue b)
    {
        ReadOnlySpan<Limb> x = Limbs(a);
        ReadOnlySpan<Limb> y = Limbs(b);
        var r = new Limb[4];
        Limb carry = Limb.Zero;
        for (int i = 0; i < 4; i++) r[i] = AddLimbs(x[i], y[i], ref carry, last: i == 3);
        return StackValue.Of(r[0], r[1], r[2], r[3]);
    }

    private Limb AddLimbs(Limb x, Limb y, ref Limb carry, bool last)
    {
        Limb sum = AddPair(x, y, last, out Limb first);
        Limb total = AddPair(sum, carry, last, out Limb second);
        carry = last ? Limb.Zero : Either(first, second);
        return total;
    }

    private Limb AddPair(Limb x, Limb y, bool last, out Limb carry)
    {
        carry = Limb.Zero;
        if (y.Is(0)) return x;
        if (x.Is(0)) return y;
        if (x.IsConstant && y.IsConstant)
        {
            ulong constant = unchecked(x.Constant + y.Constant);
            carry = Limb.Of(constant < x.Constant ? 1UL : 0UL);
            return Limb.Of(constant);
        }

        Emit(x);
        Emit(y);
        _il.Emit(OpCodes.Add);
        Limb sum = StoreNew();
        if (!last) carry = Compare(OpCodes.Clt_Un, sum, y);
        return sum;
    }

    private StackValue Subtract(StackValue a, StackValue b)
    {
        ReadOnlySpan<Limb> x = Limbs(a);
        ReadOnlySpan<Limb> y = Limbs(b);
        var r = new Limb[4];
        Limb borrow = Limb.Zero;
        for (int i = 0; i < 4; i++)
        {
            Limb difference = SubtractPair(x[i], y[i], i == 3, out Limb first);
            r[i] = SubtractPair(difference, borrow, i == 3, out Limb second);
            borrow = Either(first, second);
        }

        return StackValue.Of(r[0], r[1], r[2], r[3]);
    }

    private Limb SubtractPair(Limb x, Limb y, bool last, out Limb borrow)
    {
        borrow = Limb.Zero;
        if (y.Is(0)) return x;
        if (x.IsConstant && y.IsConstant)
        {
            borrow = Limb.Of(x.Constant < y.Constant ? 1UL : 0UL);
            return Limb.Of(unchecked(x.Constant - y.Constant));
        }

        if (!last) borrow = Compare(OpCodes.Clt_Un, x, y);
        Emit(x);
        Emit(y);
        _il.Emit(OpCodes.Sub);
        return StoreNew();
    }

    /// <summary>Full words are multiplied out of line.</summary>
    private StackValue? Multiply(StackValue a, StackValue b)
    {
        if (a.TryConstant(out UInt256 x) && IsPowerOfTwo(x)) return ShiftLeft(b, x.BitLength - 1);
        if (b.TryConstant(out UInt256 y) && IsPowerOfTwo(y)) return ShiftLeft(a, y.BitLength - 1);
        if (a.IsSmall) return MultiplyBy(b, a.Limbs[0]);
        return b.IsSmall ? MultiplyBy(a, b.Limbs[0]) : null;
    }

    private StackValue MultiplyBy(StackValue word, Limb factor)
    {
        ReadOnlySpan<Limb> x = Limbs(word);
        var r = new Limb[4];
        Limb high = Limb.Zero;
        Limb carry = Limb.Zero;
        for (int i = 0; i < 4; i++)
        {
            Limb low = MultiplyLow(x[i], factor);
            Limb next = i == 3 ? Limb.Zero : MultiplyHigh(x[i], factor);
            r[i] = AddLimbs(low, high, ref carry, last: i == 3);
            high = next;
        }

        return StackValue.Of(r[0], r[1], r[2], r[3]);
    }

    private Limb MultiplyLow(Limb x, Limb y)
    {
        if (x.Is(0) || y.Is(0)) return Limb.Zero;
        if (x.IsConstant && y.IsConstant) return Limb.Of(unchecked(x.Constant * y.Constant));
        Emit(x);
        Emit(y);
        _il.Emit(OpCodes.Mul);
        return StoreNew();
    }

    private Limb MultiplyHigh(Limb x, Limb y)
    {
        if (x.Is(0) || y.Is(0)) return Limb.Zero;
        if (x.IsConstant && y.IsConstant) return Limb.Of(Math.BigMul(x.Constant, y.Constant, out _));
        Emit(x);
        Emit(y);
        _il.Emit(OpCodes.Call, _multiplyHigh);
        return StoreNew();
    }

    private StackValue Bitwise(OpCode operation, StackValue a, StackValue b)
    {
        ReadOnlySpan<Limb> x = Limbs(a);
        ReadOnlySpan<Limb> y = Limbs(b);
        var r = new Limb[4];
        for (int i = 0; i < 4; i++) r[i] = Bitwise(operation, x[i], y[i]);
        return StackValue.Of(r[0], r[1], r[2], r[3]);
    }

    private Limb Bitwise(OpCode operation, Limb x, Limb y)
    {
        if (x.IsConstant) (x, y) = (y, x);
        if (x.IsConstant)
        {
            return Limb.Of(operation == OpCodes.And ? x.Constant & y.Constant : operation == OpCodes.Or ? x.Constant | y.Constant
                : x.Constant ^ y.Constant);
        }

        if (y.Is(0)) return operation == OpCodes.And ? Limb.Zero : x;
        if (y.Is(ulong.MaxValue) && operation != OpCodes.Xor) return operation == OpCodes.And ? x : y;
        Emit(x);
        Emit(y);
        _il.Emit(operation);
        return StoreNew();
    }

    private StackValue Not(StackValue a)
    {
        ReadOnlySpan<Limb> x = Limbs(a);
        var r = new Limb[4];
        for (int i = 0; i < 4; i++) r[i] = Bitwise(OpCodes.Xor, x[i], Limb.Of(ulong.MaxValue));
        return StackValue.Of(r[0], r[1], r[2], r[3]);
    }

    private StackValue IsZero(StackValue a)
    {
        ReadOnlySpan<Limb> x = Limbs(a);
        foreach (Limb limb in x)
            if (limb.IsConstant && limb.Constant != 0)
                return StackValue.Constant(default);
        EmitAny(x);
        return StackValue.Small(IsZeroOnStack());
    }

    private Limb IsZeroOnStack()
    {
        _il.Emit(OpCodes.Ldc_I4_0);
        _il.Emit(OpCodes.Conv_I8);
        _il.Emit(OpCodes.Ceq);
        _il.Emit(OpCodes.Conv_U8);
        return StoreNew();
    }

    private StackValue AreEqual(StackValue a, StackValue b)
    {
        ReadOnlySpan<Limb> x = Limbs(a);
        ReadOnlySpan<Limb> y = Limbs(b);
        var differences = new Limb[4];
        for (int i = 0; i < 4; i++)
        {
            differences[i] = x[i] == y[i] ? Limb.Zero : Bitwise(OpCodes.Xor, x[i], y[i]);
            if (differences[i].IsConstant && differences[i].Constant != 0) return StackValue.Constant(default);
        }

        EmitAny(differences);
        return StackValue.Small(IsZeroOnStack());
    }

    private StackValue IsLess(StackValue a, StackValue b, bool signed)
    {
        ReadOnlySpan<Limb> x = Limbs(a);
        ReadOnlySpan<Limb> y = Limbs(b);
        Limb less = Limb.Zero;
        for (int i = 0; i < 3; i++) less = IsLess(x[i], y[i], less);
        Limb flip = Limb.Of(signed ? 1UL << 63 : 0);
        return StackValue.Small(IsLess(Bitwise(OpCodes.Xor, x[3], flip), Bitwise(OpCodes.Xor, y[3], flip), less));
    }

    /// <summary>x &lt; y, or x = y and the limbs below are less.</summary>
    private Limb IsLess(Limb x, Limb y, Limb below)
    {
        if (x == y) return below;
        if (x.IsConstant && y.IsConstant) return Limb.Of(x.Constant < y.Constant ? 1UL : 0UL);
        Limb less = y.Is(0) ? Limb.Zero : Compare(OpCodes.Clt_Un, x, y);
        if (below.Is(0)) return less;
        Limb equal = Compare(OpCodes.Ceq, x, y);
        return Either(less, below.IsConstant ? equal : Bitwise(OpCodes.And, equal, below));
    }

    private Limb Compare(OpCode comparison, Limb x, Limb y)
    {
        Emit(x);
        Emit(y);
        _il.Emit(comparison);
        _il.Emit(OpCodes.Conv_U8);
        return StoreNew();
    }

    private Limb Either(Limb x, Limb y) => Bitwise(OpCodes.Or, x, y);

    private StackValue ShiftLeft(StackValue word, int count)
    {
        if (count == 256) return StackValue.Constant(default);
        ReadOnlySpan<Limb> x = Limbs(word);
        var r = new Limb[4];
        int whole = count >> 6;
        int part = count & 63;
        for (int i = 0; i < 4; i++)
        {
            Limb upper = i - whole >= 0 ? x[i - whole] : Limb.Zero;
            Limb lower = i - whole - 1 >= 0 ? x[i - whole - 1] : Limb.Zero;
            r[i] = part == 0 ? upper : Either(Shift(OpCodes.Shl, upper, part), Shift(OpCodes.Shr_Un, lower, 64 - part));
        }

        return StackValue.Of(r[0], r[1], r[2], r[3]);
    }

    /// <param name="fill">What comes in from above: zero, or 64 times the sign.</param>
    private StackValue ShiftRight(StackValue word, int count, Limb fill)
    {
        if (count == 256) return StackValue.Of(fill, fill, fill, fill);
        ReadOnlySpan<Limb> x = Limbs(word);
        var r = new Limb[4];
        int whole = count >> 6;
        int part = count & 63;
        for (int i = 0; i < 4; i++)
        {
            Limb lower = i + whole < 4 ? x[i + whole] : fill;
            Limb upper = i + whole + 1 < 4 ? x[i + whole + 1] : fill;
            r[i] = part == 0 ? lower : Either(Shift(OpCodes.Shr_Un, lower, part), Shift(OpCodes.Shl, upper, 64 - part));
        }

        return StackValue.Of(r[0], r[1], r[2], r[3]);
    }

    private Limb Sign(StackValue word)
    {
        Limb top = Limbs(word)[3];
        if (top.IsConstant) return Limb.Of((long)top.Constant < 0 ? ulong.MaxValue : 0);
        Emit(top);
        _il.Emit(OpCodes.Ldc_I4, 63);
        _il.Emit(OpCodes.Shr);
        return StoreNew();
    }

    private Limb Shift(OpCode shift, Limb limb, int count)
    {
        if (limb.IsConstant) return Limb.Of(shift == OpCodes.Shl ? limb.Constant << count : limb.Constant >> count);
        Emit(limb);
        _il.Emit(OpCodes.Ldc_I4, count);
        _il.Emit(shift);
        return StoreNew();
    }

    /// <summary>Byte 0 is the most significant.</summary>
    private StackValue Byte(in UInt256 index, StackValue word)
    {
        if (!index.IsUInt64 || index.U0 > 31) return StackValue.Constant(default);
        int i = (int)index.U0;
        Limb limb = Limbs(word)[3 - i / 8];
        return StackValue.Small(Bitwise(OpCodes.And, Shift(OpCodes.Shr_Un, limb, 56 - 8 * (i % 8)), Limb.Of(0xff)));
    }
}
