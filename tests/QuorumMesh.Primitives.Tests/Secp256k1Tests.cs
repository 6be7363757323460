using CsCheck;

namespace QuorumMesh.Primitives.Tests;

public class Secp256k1Tests
{
    private static readonly Gen<byte[]> s_key = Gen.Byte.Array[32].Where(k => Secp256k1.IsValidPrivateKey(k));

    [Fact]
    public void Signatures_recover_to_the_signer() =>
        s_key.Select(Gen.Byte.Array[32]).Sample((key, hash) =>
        {
            byte[] signature = Secp256k1.Sign(key, hash);
            byte[] expected = Secp256k1.PublicKey(key);
            byte[] recovered = new byte[64];
            Assert.True(Secp256k1.TryRecover(hash, signature.AsSpan(0, 64), signature[64], recovered));
            Assert.Equal(expected, recovered);
            Assert.True(Secp256k1.TryRecoverAddress(hash, signature.AsSpan(0, 64), signature[64], out Address address));
            Assert.Equal(Secp256k1.AddressOf(expected), address);
            Assert.True(UInt256.FromBigEndian(signature.AsSpan(32, 32)) <= Secp256k1.HalfOrder);
            Assert.Equal(signature, Secp256k1.Sign(key, hash));
        }, iter: 100);

    [Fact]
    public void Ecdh_agrees() =>
        s_key.Select(s_key).Sample((a, b) =>
        {
            byte[] x1 = new byte[32];
            byte[] x2 = new byte[32];
            Assert.True(Secp256k1.TryEcdh(a, Secp256k1.PublicKey(b), x1));
            Assert.True(Secp256k1.TryEcdh(b, Secp256k1.PublicKey(a), x2));
            Assert.Equal(x1, x2);
        }, iter: 100);

    [Fact]
    public void Ecdh_gives_the_raw_coordinate()
    {
        // 2 · G and (1 · G) · 2 are the same point.
        byte[] one = new UInt256(1).ToBigEndian();
        byte[] two = new UInt256(2).ToBigEndian();
        byte[] x = new byte[32];
        Assert.True(Secp256k1.TryEcdh(two, Secp256k1.PublicKey(one), x));
        Assert.Equal(Secp256k1.PublicKey(two)[..32], x);
    }

    [Fact]
    public void Bad_input_gives_false_or_a_clear_error()
    {
        byte[] order = Secp256k1.Order.ToBigEndian();
        byte[] key = new UInt256(7).ToBigEndian();
        byte[] hash = new byte[32];
        byte[] output = new byte[64];
        Assert.False(Secp256k1.IsValidPrivateKey(new byte[32]));
        Assert.False(Secp256k1.IsValidPrivateKey(order));
        Assert.False(Secp256k1.IsValidPrivateKey(new byte[31]));
        Assert.True(Secp256k1.IsValidPrivateKey((Secp256k1.Order - 1).ToBigEndian()));
        Assert.Throws<ArgumentException>(() => Secp256k1.PublicKey(new byte[32]));
        Assert.Throws<ArgumentException>(() => Secp256k1.Sign(order, hash));
        Assert.Throws<ArgumentException>(() => Secp256k1.Sign(key, new byte[31]));
        Assert.Throws<ArgumentException>(() => Secp256k1.Sign(key, hash, new byte[64]));
        Assert.False(Secp256k1.TryRecover(hash, new byte[64], 0, output));
        byte[] signature = Secp256k1.Sign(key, hash);
        foreach (int recoveryId in new[] { -1, 4, 27, int.MaxValue })
            Assert.False(Secp256k1.TryRecover(hash, signature.AsSpan(0, 64), recoveryId, output));
        Assert.False(Secp256k1.TryEcdh(key, new byte[64], new byte[32]));
        Assert.False(Secp256k1.TryEcdh(new byte[32], Secp256k1.PublicKey(key), new byte[32]));
        Assert.Throws<ArgumentException>(() => Secp256k1.AddressOf(new byte[65]));
    }

    [Fact]
    public void Garbage_signatures_never_throw() =>
        Gen.Byte.Array[32].Select(Gen.Byte.Array[64], Gen.Int).Sample((hash, rs, id) =>
        {
            Secp256k1.TryRecover(hash, rs, id & 7, new byte[64]);
        }, iter: 500);
}
