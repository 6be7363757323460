namespace QuorumMesh.Primitives.Tests;

/// <summary>Facts captured from GoQuorum 2.5 that rest on primitives alone.</summary>
public class GoQuorumVectorTests
{
    /// <summary>
    /// GoQuorum's core/types/transaction_signing_quorum_test.go: the recovery id decides between v 37 and 38 of a private
    /// transaction.
    /// </summary>
    [Theory]
    [InlineData(
        "25807260602402504536675820444142779248993100028628438487502323668296269534891",
        "0x67bc1c99bab063aeda214995809df79113172d1d",
        38,
        "f85d8080809467bc1c99bab063aeda214995809df79113172d1d808026a08ca70f5cc98e07ae0100976adc9e4c3b6a47f9c71e9819b0f06d70e7793f24fba0580203e46f806f0b0b274098e684f2f39ddc2d4fe72ba86fd6302c55cc1180c1",
        "0xd7885e832ed2c3c14e6506401769b74290026fa15a544b26e924f73c55fe7069")]
    [InlineData(
        "10148397294747000913768625849546502595195728826990639993137198410557736548965",
        "0xe50d7b2987a6cb7dabb86bf632dff389e8e1bc59",
        37,
        "f85d80808094e50d7b2987a6cb7dabb86bf632dff389e8e1bc59808025a01a796ad42e6872e9d10191038b0ed066e4fa00ea363c140db7932d5d7d8745dfa0352137554afe74783473018f82ca70ac9386433866b78db314294d1058dec6a0",
        "0x8dd86b74cfb7a67bea3cc8aab77fd029bc574ed717aec4b711decff65c029581")]
    public void Private_signature_parity(string key, string address, int v, string raw, string hash)
    {
        byte[] privateKey = UInt256.Parse(key).ToBigEndian();
        Address sender = Secp256k1.AddressOf(Secp256k1.PublicKey(privateKey));
        Assert.Equal(address, sender.ToString());

        Hash256 signingHash = Keccak.Hash(Transaction(sender, null));
        byte[] signature = Secp256k1.Sign(privateKey, signingHash.Bytes);
        Assert.Equal(v, signature[64] + 37);
        byte[] encoded = Transaction(sender, signature);
        Assert.Equal(raw, Hex.ToHex(encoded, prefix: false));
        Assert.Equal(hash, Keccak.Hash(encoded).ToString());
        Assert.True(Secp256k1.TryRecoverAddress(signingHash.Bytes, signature.AsSpan(0, 64), v - 37, out Address recovered));
        Assert.Equal(sender, recovered);
    }

    /// <summary>Nonce, gas price, gas and value 0, no data; to itself.</summary>
    private static byte[] Transaction(Address to, byte[]? signature)
    {
        RlpWriter writer = new();
        int list = writer.BeginList();
        for (int i = 0; i < 3; i++) writer.Write(0UL);
        writer.Write(to);
        writer.Write(0UL);
        writer.Write([]);
        if (signature is not null)
        {
            writer.Write(signature[64] + 37UL);
            writer.Write(UInt256.FromBigEndian(signature.AsSpan(0, 32)));
            writer.Write(UInt256.FromBigEndian(signature.AsSpan(32, 32)));
        }

        writer.EndList(list);
        return writer.ToArray();
    }

    /// <summary>
    /// Node 1 of the 7nodes example: the node id is the hash of the public key, its last 20 bytes the validator's address.
    /// </summary>
    [Fact]
    public void Node_id_and_validator_address()
    {
        byte[] publicKey = Hex.FromHex(
            "ac6b1096ca56b9f6d004b779ae3728bf83f8e22453404cc3cef16a3d9b96608bc67c4b30db88e0a5a6c6390213f7acbe1153ff6d23ce57380104288ae19373ef");
        Assert.Equal("0x7577115fd9184a27da527128d8dba507e85f116b1f7e231ca8525fc9008a6966", Keccak.Hash(publicKey).ToString());
        Assert.Equal("0xd8dba507e85f116b1f7e231ca8525fc9008a6966", Secp256k1.AddressOf(publicKey).ToString());
    }

    /// <summary>The first contract of the 7nodes example: made from the sender's public nonce.</summary>
    [Fact]
    public void Contract_address_from_the_public_nonce() =>
        Assert.Equal(
            "0x1932c48b2bf8102ba33b4a6b545c32236e342f34",
            Address.ForCreate(Address.Parse("ed9d02e382b34818e88b88a309c7fe71e65f419d"), 0).ToString());

    /// <summary>Account RLP of a contract that a stranger to its creation sees: nonce 1, balance 0, empty storage, no code.</summary>
    [Fact]
    public void Ghost_account()
    {
        RlpWriter writer = new();
        int list = writer.BeginList();
        writer.Write(1UL);
        writer.Write(UInt256.Zero);
        writer.Write(Hash256.EmptyTrie);
        writer.Write(Hash256.EmptyCode);
        writer.EndList(list);
        Assert.Equal(
            "f8440180a056e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421a0c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470",
            Hex.ToHex(writer.WrittenSpan, prefix: false));
    }
}
