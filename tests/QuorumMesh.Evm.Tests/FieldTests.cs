using System.Numerics;
using CsCheck;
using QuorumMesh.Evm.Precompiles.Pairings;
using BlsFp = QuorumMesh.Evm.Precompiles.Bls12381.Fp;
using BnFp = QuorumMesh.Evm.Precompiles.Bn254.Fp;

namespace QuorumMesh.Evm.Tests;

/// <summary>The fields under the pairings against big integers, near the ends of their range too.</summary>
public class FieldTests
{
    private delegate T Read<T>(BigInteger value);

    private delegate BigInteger Write<T>(T value);

    [Fact]
    public void Bn254_computes_modulo_p() => Agrees<BnFp>(
        value => BnFp.TryRead(Bytes(value, 32), out BnFp result) ? result : throw new InvalidOperationException(),
        value => { byte[] bytes = new byte[32]; value.Write(bytes); return new BigInteger(bytes, isUnsigned: true, isBigEndian: true); });

    [Fact]
    public void Bls12381_computes_modulo_p() => Agrees<BlsFp>(
        value => BlsFp.TryRead(Bytes(value, 48), out BlsFp result) ? result : throw new InvalidOperationException(),
        value => { byte[] bytes = new byte[48]; value.Write(bytes); return new BigInteger(bytes, isUnsigned: true, isBigEndian: true); });

    [Fact]
    public void Numbers_from_the_modulus_up_are_refused()
    {
        Assert.False(BnFp.TryRead(Bytes(BnFp.Characteristic, 32), out _));
        Assert.True(BnFp.TryRead(Bytes(BnFp.Characteristic - 1, 32), out _));
        Assert.False(BlsFp.TryRead(Bytes(BlsFp.Characteristic, 48), out _));
        Assert.True(BlsFp.TryRead(Bytes(BlsFp.Characteristic - 1, 48), out _));
    }

    private static void Agrees<T>(Read<T> read, Write<T> write)
        where T : struct, IBaseField<T>
    {
        BigInteger p = T.Characteristic;
        Gen<BigInteger> any = Gen.OneOf(
            Gen.Byte.Array[48].Select(bytes => new BigInteger(bytes, isUnsigned: true) % p),
            Gen.Int[0, 3].Select(small => (BigInteger)small),
            Gen.Int[1, 3].Select(small => p - small),
            Gen.Int[0, 253].Select(bit => (BigInteger.One << bit) - 1),
            Gen.Int[1, 253].Select(bit => p - (BigInteger.One << bit)));
        Gen.Select(any, any, any, any).Sample(
            (a, b, c, d) =>
            {
                T x = read(a), y = read(b), z = read(c), w = read(d);
                Same(a, x);
                Same(a + b, x + y);
                Same(a - b, x - y);
                Same(-a, -x);
                Same(2 * a, x.Double());
                Same(a * b, x * y);
                Same(a * a, x.Square());
                Same(a * b + c * d, T.SumOfProducts(x, y, z, w));
                // Results are operands again.
                Same((a * b - c) * (d - a * a - b), (x * y - z) * (w - x.Square() - y));
                Assert.Equal(a.IsZero, x.IsZero);
                Assert.True((x - x).IsZero && (x + -x).IsZero);
                Assert.Equal(a == b, x.SameAs(y));
                Assert.True(x.IsZero ? x.Inverse().IsZero : (x * x.Inverse()).SameAs(T.One));
                Square(new Fp2<T>(x, y), a, b);
            },
            iter: 3000);

        void Same(BigInteger expected, T actual) => Assert.Equal((expected % p + p) % p, write(actual));

        void Square(Fp2<T> value, BigInteger re, BigInteger im)
        {
            Same(re * re - im * im, value.Square().Re);
            Same(2 * re * im, value.Square().Im);
            Assert.True(value.Square().SameAs(value * value));
        }
    }

    private static byte[] Bytes(BigInteger value, int size)
    {
        byte[] bytes = value.ToByteArray(isUnsigned: true, isBigEndian: true);
        return [.. new byte[size - bytes.Length], .. bytes];
    }
}
