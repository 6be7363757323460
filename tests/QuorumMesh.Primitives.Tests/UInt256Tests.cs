using System.Numerics;
using CsCheck;

namespace QuorumMesh.Primitives.Tests;

public class UInt256Tests
{
    private const int Iterations = 20_000;
    private static readonly BigInteger s_modulus = BigInteger.One << 256;
    private static readonly BigInteger s_half = BigInteger.One << 255;

    // Limbs near the edges and short numbers, where carries, borrows and quotient corrections happen.
    private static readonly Gen<ulong> s_limb = Gen.OneOf(
        Gen.ULong, Gen.ULong, Gen.Const(0UL), Gen.Const(ulong.MaxValue), Gen.Const(1UL), Gen.Const(1UL << 63), Gen.ULong[0, 300],
        Gen.Const((1UL << 63) - 1), Gen.Int[0, 63].Select(i => 1UL << i));

    private static readonly Gen<UInt256> s_word = Gen.Select(s_limb, s_limb, s_limb, s_limb, Gen.Int[1, 4])
        .Select((a, b, c, d, limbs) => new UInt256(a, limbs > 1 ? b : 0, limbs > 2 ? c : 0, limbs > 3 ? d : 0));

    private static readonly Gen<(UInt256 A, UInt256 B)> s_pair = Gen.Select(s_word, s_word);

    private static UInt256 Wrap(BigInteger value) =>
        UInt256.FromBigInteger((value % s_modulus + s_modulus) % s_modulus);

    private static BigInteger Signed(in UInt256 value)
    {
        BigInteger unsigned = value.ToBigInteger();
        return unsigned >= s_half ? unsigned - s_modulus : unsigned;
    }

    private static void ForPairs(Action<UInt256, UInt256, BigInteger, BigInteger> check) =>
        s_pair.Sample(p => check(p.A, p.B, p.A.ToBigInteger(), p.B.ToBigInteger()), iter: Iterations);

    [Fact]
    public void Addition_and_subtraction() => ForPairs((a, b, x, y) =>
    {
        Assert.Equal(Wrap(x + y), a + b);
        Assert.Equal(Wrap(x - y), a - b);
        Assert.Equal(Wrap(-x), -a);
        Assert.Equal(x + y >= s_modulus, UInt256.AddOverflow(a, b, out UInt256 sum));
        Assert.Equal(a + b, sum);
        Assert.Equal(x < y, UInt256.SubtractUnderflow(a, b, out UInt256 difference));
        Assert.Equal(a - b, difference);
        UInt256 up = a;
        Assert.Equal(Wrap(x + 1), ++up);
        UInt256 down = a;
        Assert.Equal(Wrap(x - 1), --down);
    });

    [Fact]
    public void Multiplication() => ForPairs((a, b, x, y) =>
    {
        Assert.Equal(Wrap(x * y), a * b);
        Assert.Equal(x * y >= s_modulus, UInt256.MultiplyOverflow(a, b, out UInt256 product));
        Assert.Equal(a * b, product);
        UInt256.MultiplyFull(a, b, out UInt256 low, out UInt256 high);
        Assert.Equal(x * y, (high.ToBigInteger() << 256) + low.ToBigInteger());
    });

    [Fact]
    public void Division_and_remainder() => ForPairs((a, b, x, y) =>
    {
        Assert.Equal(y.IsZero ? 0 : Wrap(x / y), a / b);
        Assert.Equal(y.IsZero ? 0 : Wrap(x % y), a % b);
        UInt256.DivRem(a, b, out UInt256 quotient, out UInt256 remainder);
        Assert.Equal(a / b, quotient);
        Assert.Equal(a % b, remainder);
    });

    [Fact]
    public void Division_near_multiples() => s_pair.Select(s_word).Sample((pair, offset) =>
    {
        // A dividend of the form b * q + r makes the estimated digits run into their corrections.
        UInt256 b = pair.B;
        UInt256 a = pair.A * b + new UInt256(offset.U0 & 1) - new UInt256(offset.U1 & 1);
        BigInteger y = b.ToBigInteger();
        Assert.Equal(y.IsZero ? 0 : Wrap(a.ToBigInteger() / y), a / b);
        Assert.Equal(y.IsZero ? 0 : Wrap(a.ToBigInteger() % y), a % b);
    }, iter: Iterations);

    [Fact]
    public void Modular_addition_and_multiplication() => s_pair.Select(s_word).Sample((pair, m) =>
    {
        BigInteger x = pair.A.ToBigInteger();
        BigInteger y = pair.B.ToBigInteger();
        BigInteger z = m.ToBigInteger();
        UInt256.AddMod(pair.A, pair.B, m, out UInt256 sum);
        UInt256.MulMod(pair.A, pair.B, m, out UInt256 product);
        Assert.Equal(z.IsZero ? 0 : Wrap((x + y) % z), sum);
        Assert.Equal(z.IsZero ? 0 : Wrap(x * y % z), product);
    }, iter: Iterations * 3);

    [Fact]
    public void Multiplication_modulo_numbers_just_below_two_to_the256() => s_pair.Select(s_limb).Sample((pair, limb) =>
    {
        UInt256 m = new(limb, ulong.MaxValue, ulong.MaxValue, ulong.MaxValue);
        BigInteger z = m.ToBigInteger();
        foreach ((UInt256 a, UInt256 b) in new[] { pair, (~pair.A, ~pair.B), (m - pair.A, m - UInt256.One) })
        {
            UInt256.MulMod(a, b, m, out UInt256 product);
            Assert.Equal(Wrap(a.ToBigInteger() * b.ToBigInteger() % z), product);
        }
    }, iter: Iterations);

    [Fact]
    public void Signed_division() => ForPairs((a, b, _, _) =>
    {
        BigInteger x = Signed(a);
        BigInteger y = Signed(b);
        UInt256.SDiv(a, b, out UInt256 quotient);
        UInt256.SMod(a, b, out UInt256 remainder);
        Assert.Equal(y.IsZero ? 0 : Wrap(BigInteger.Divide(x, y)), quotient);
        Assert.Equal(y.IsZero ? 0 : Wrap(BigInteger.Remainder(x, y)), remainder);
        Assert.Equal(x < y, UInt256.Slt(a, b));
        Assert.Equal(x > y, UInt256.Sgt(a, b));
    });

    [Fact]
    public void Lowest_number_by_minus_one_is_itself()
    {
        UInt256 lowest = new(0, 0, 0, 1UL << 63);
        UInt256.SDiv(lowest, UInt256.MaxValue, out UInt256 quotient);
        UInt256.SMod(lowest, UInt256.MaxValue, out UInt256 remainder);
        Assert.Equal(lowest, quotient);
        Assert.True(remainder.IsZero);
    }

    [Fact]
    public void Exponentiation() => ForPairs((a, b, x, y) =>
    {
        UInt256.Exp(a, b, out UInt256 r);
        Assert.Equal(Wrap(BigInteger.ModPow(x, y, s_modulus)), r);
        UInt256 small = new(b.U0 & 0x1ff);
        UInt256.Exp(a, small, out r);
        Assert.Equal(Wrap(BigInteger.ModPow(x, small.U0, s_modulus)), r);
    });

    [Fact]
    public void Bitwise() => ForPairs((a, b, x, y) =>
    {
        Assert.Equal(Wrap(x & y), a & b);
        Assert.Equal(Wrap(x | y), a | b);
        Assert.Equal(Wrap(x ^ y), a ^ b);
        Assert.Equal(Wrap(s_modulus - 1 - x), ~a);
        Assert.Equal((int)x.GetBitLength(), a.BitLength);
        Assert.Equal(x.IsZero ? 0 : x.GetByteCount(isUnsigned: true), a.ByteLength);
        int bit = (int)(b.U0 % 300);
        Assert.Equal(bit < 256 && !(x >> bit & 1).IsZero, a.Bit(bit));
    });

    [Fact]
    public void Shifts() => s_word.Select(Gen.Int[0, 300]).Sample((a, count) =>
    {
        BigInteger x = a.ToBigInteger();
        Assert.Equal(Wrap(x << count), a << count);
        Assert.Equal(Wrap(x >> count), a >> count);
        UInt256.Sar(a, count, out UInt256 r);
        Assert.Equal(Wrap(Signed(a) >> count), r);
        UInt256.Sar(a, new UInt256((ulong)count), out r);
        Assert.Equal(Wrap(Signed(a) >> count), r);
        UInt256.Sar(a, new UInt256((ulong)count, 1), out r);
        Assert.Equal(a.IsNegative ? UInt256.MaxValue : UInt256.Zero, r);
    }, iter: Iterations);

    [Fact]
    public void Sign_extension_and_bytes() => s_word.Select(Gen.Int[0, 40]).Sample((a, index) =>
    {
        BigInteger x = a.ToBigInteger();
        UInt256 i = (ulong)index;
        UInt256.SignExtend(i, a, out UInt256 r);
        BigInteger low = x & (BigInteger.One << 8 * (index + 1)) - 1;
        bool negative = !(low >> 8 * index + 7).IsZero;
        Assert.Equal(index >= 31 ? a : Wrap(negative ? low - (BigInteger.One << 8 * (index + 1)) : low), r);
        UInt256.Byte(i, a, out r);
        Assert.Equal(index >= 32 ? 0 : a.ToBigEndian()[index], (int)r);
        UInt256.Byte(new UInt256((ulong)index, 0, 1), a, out r);
        Assert.True(r.IsZero);
        UInt256.SignExtend(new UInt256((ulong)index, 0, 1), a, out r);
        Assert.Equal(a, r);
    }, iter: Iterations);

    [Fact]
    public void Comparison() => ForPairs((a, b, x, y) =>
    {
        Assert.Equal(x < y, a < b);
        Assert.Equal(x > y, a > b);
        Assert.Equal(x <= y, a <= b);
        Assert.Equal(x >= y, a >= b);
        Assert.Equal(x == y, a == b);
        Assert.Equal(x != y, a != b);
        Assert.Equal(x.CompareTo(y), a.CompareTo(b));
        Assert.Equal(x == y, a.Equals(b));
        Assert.Equal(a.GetHashCode(), new UInt256(a.U0, a.U1, a.U2, a.U3).GetHashCode());
        Assert.Equal(x.IsZero, a.IsZero);
        Assert.Equal(x <= ulong.MaxValue, a.IsUInt64);
    });

    [Fact]
    public void Output_may_be_an_input() => s_pair.Select(s_word).Sample((pair, m) =>
    {
        (UInt256 a, UInt256 b) = pair;
        Check(a + b, (ref UInt256 x, in UInt256 y) => UInt256.Add(x, y, out x));
        Check(a - b, (ref UInt256 x, in UInt256 y) => UInt256.Subtract(x, y, out x));
        Check(a * b, (ref UInt256 x, in UInt256 y) => UInt256.Multiply(x, y, out x));
        Check(a / b, (ref UInt256 x, in UInt256 y) => UInt256.Divide(x, y, out x));
        Check(a % b, (ref UInt256 x, in UInt256 y) => UInt256.Mod(x, y, out x));
        Check(a % b, (ref UInt256 x, in UInt256 y) => UInt256.DivRem(x, y, out _, out x));
        UInt256.Exp(a, b, out UInt256 power);
        Check(power, (ref UInt256 x, in UInt256 y) => UInt256.Exp(x, y, out x));
        UInt256.SDiv(a, b, out UInt256 quotient);
        Check(quotient, (ref UInt256 x, in UInt256 y) => UInt256.SDiv(x, y, out x));
        UInt256.SMod(a, b, out UInt256 remainder);
        Check(remainder, (ref UInt256 x, in UInt256 y) => UInt256.SMod(x, y, out x));
        UInt256.MulMod(a, b, m, out UInt256 product);
        UInt256 copy = m;
        UInt256.MulMod(a, b, copy, out copy);
        Assert.Equal(product, copy);
        UInt256.AddMod(a, b, m, out UInt256 sum);
        copy = m;
        UInt256.AddMod(a, b, copy, out copy);
        Assert.Equal(sum, copy);
        copy = a;
        UInt256.DivRem(copy, b, out copy, out UInt256 rest);
        Assert.Equal((a / b, a % b), (copy, rest));

        void Check(in UInt256 expected, InPlace operation)
        {
            UInt256 x = a;
            operation(ref x, b);
            Assert.Equal(expected, x);
        }
    }, iter: Iterations / 4);

    private delegate void InPlace(ref UInt256 x, in UInt256 y);

    [Fact]
    public void Bytes_and_text_round_trip() => s_word.Sample(a =>
    {
        BigInteger x = a.ToBigInteger();
        Assert.Equal(a, UInt256.FromBigInteger(x));
        Assert.Equal(a, UInt256.FromBigEndian(a.ToBigEndian()));
        Assert.Equal(a, UInt256.FromBigEndian(a.ToMinimalBigEndian()));
        Assert.Equal(a.ByteLength, a.ToMinimalBigEndian().Length);
        Assert.Equal(x.ToString(), a.ToString());
        Assert.Equal(a, UInt256.Parse(a.ToString()));
        Assert.Equal(a, UInt256.Parse("000" + a));
        Assert.Equal(a, UInt256.Parse(a.ToHexString()));
        Assert.Equal(a, UInt256.Parse("0x000" + a.ToHexString()[2..].ToUpperInvariant()));
        string digits = x.ToString("x").TrimStart('0');
        Assert.Equal("0x" + (digits.Length == 0 ? "0" : digits), a.ToHexString());
        Assert.Equal(a, Hash256.FromWord(a).ToWord());
        Assert.Equal(a & (UInt256.MaxValue >> 96), Address.FromWord(a).ToWord());
    }, iter: Iterations);

    [Theory]
    [InlineData("")]
    [InlineData("0x")]
    [InlineData("-1")]
    [InlineData(" 1")]
    [InlineData("1a")]
    [InlineData("0xg")]
    [InlineData("115792089237316195423570985008687907853269984665640564039457584007913129639936")]
    [InlineData("999999999999999999999999999999999999999999999999999999999999999999999999999999")]
    [InlineData("0x10000000000000000000000000000000000000000000000000000000000000000")]
    public void Text_that_is_no_word_is_refused(string text)
    {
        Assert.False(UInt256.TryParse(text, out _));
        Assert.Throws<FormatException>(() => UInt256.Parse(text));
    }

    [Fact]
    public void Conversions_are_checked()
    {
        Assert.Equal(5UL, (ulong)new UInt256(5));
        Assert.Equal(5L, (long)new UInt256(5));
        Assert.Equal(5U, (uint)new UInt256(5));
        Assert.Equal(5, (int)new UInt256(5));
        Assert.Throws<OverflowException>(() => (ulong)new UInt256(0, 1));
        Assert.Throws<OverflowException>(() => (long)new UInt256(1UL << 63));
        Assert.Throws<OverflowException>(() => (uint)new UInt256(1UL << 32));
        Assert.Throws<OverflowException>(() => (int)new UInt256(1UL << 31));
        Assert.Throws<OverflowException>(() => { int negative = -1; UInt256 _ = negative; });
        Assert.Throws<OverflowException>(() => UInt256.FromBigInteger(-1));
        Assert.Throws<OverflowException>(() => UInt256.FromBigInteger(s_modulus));
        Assert.Throws<ArgumentException>(() => UInt256.FromBigEndian(new byte[33]));
        Assert.Throws<ArgumentException>(() => UInt256.One.WriteBigEndian(new byte[31]));
    }
}
