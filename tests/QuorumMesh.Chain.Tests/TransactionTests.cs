using System.Text.Json;
using CsCheck;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;
using QuorumMesh.Tests;

namespace QuorumMesh.Chain.Tests;

public sealed class TransactionTests
{
    private static readonly byte[] Key0 = UInt256.Parse("25807260602402504536675820444142779248993100028628438487502323668296269534891")
        .ToBigEndian();
    private static readonly byte[] Key1 = UInt256.Parse("10148397294747000913768625849546502595195728826990639993137198410557736548965")
        .ToBigEndian();

    [Theory]
    [InlineData(0, 28, 38, "f85d8080809467bc1c99bab063aeda214995809df79113172d1d808026a08ca70f5cc98e07ae0100976adc9e4c3b6a47f9c71e9819b0f06d70e7793f24fba0580203e46f806f0b0b274098e684f2f39ddc2d4fe72ba86fd6302c55cc1180c1", "d7885e832ed2c3c14e6506401769b74290026fa15a544b26e924f73c55fe7069")]
    [InlineData(1, 27, 37, "f85d80808094e50d7b2987a6cb7dabb86bf632dff389e8e1bc59808025a01a796ad42e6872e9d10191038b0ed066e4fa00ea363c140db7932d5d7d8745dfa0352137554afe74783473018f82ca70ac9386433866b78db314294d1058dec6a0", "8dd86b74cfb7a67bea3cc8aab77fd029bc574ed717aec4b711decff65c029581")]
    public void Private_signature_is_the_Homestead_one_with_its_own_v(int key, int homesteadV, int privateV, string raw, string hash)
    {
        var secret = key == 0 ? Key0 : Key1;
        var address = Secp256k1.AddressOf(Secp256k1.PublicKey(secret));
        var unsigned = new Transaction { To = address };

        var homestead = TransactionSigner.Sign(unsigned, secret);
        var signed = TransactionSigner.SignPrivate(unsigned, secret);

        Assert.Equal((UInt256)homesteadV, homestead.V);
        Assert.Equal((UInt256)privateV, signed.V);
        Assert.Equal(signed.Encode(), TransactionSigner.MarkPrivate(homestead).Encode());
        Assert.Equal(raw, Hex.ToHex(signed.Encode(), prefix: false));
        Assert.Equal(Hash256.Parse(hash), signed.Hash);
        Assert.True(signed.IsPrivate);
        Assert.True(TransactionSigner.TryRecover(signed, 10u, Fork.Constantinople, out var sender));
        Assert.Equal(address, sender);
        Assert.Equal(signed.Hash, Transaction.Decode(signed.Encode()).Hash);
    }

    [VectorFact]
    public void Basic_signed_transactions_match()
    {
        using var document = JsonDocument.Parse(Vectors.ReadText("ethereum-tests/BasicTests/txtest.json"));
        foreach (var test in document.RootElement.EnumerateArray())
        {
            var to = test.GetProperty("to").GetString()!;
            var tx = new Transaction
            {
                Nonce = test.GetProperty("nonce").GetUInt64(),
                GasPrice = UInt256.Parse(test.GetProperty("gasprice").GetRawText()),
                GasLimit = test.GetProperty("startgas").GetUInt64(),
                To = to.Length == 0 ? null : Address.Parse(to),
                Value = UInt256.Parse(test.GetProperty("value").GetRawText()),
                Data = Hex.FromHex(test.GetProperty("data").GetString()!),
            };
            var key = Hex.FromHex(test.GetProperty("key").GetString()!);
            var decoded = Transaction.Decode(Hex.FromHex(test.GetProperty("signed").GetString()!));

            Assert.Equal(test.GetProperty("signed").GetString(),
                Hex.ToHex(tx.WithSignature(decoded.V, decoded.R, decoded.S).Encode(), prefix: false));
            Assert.Equal(test.GetProperty("unsigned").GetString(), Hex.ToHex(tx.Encode(), prefix: false));
            Assert.Equal(decoded.SigningHash(), tx.SigningHash());
            Assert.True(TransactionSigner.TryRecover(decoded, 10u, Fork.Frontier, out var sender));
            Assert.Equal(Secp256k1.AddressOf(Secp256k1.PublicKey(key)), sender);
        }
    }

    [Fact]
    public void Every_form_survives_encoding_and_recovers_its_sender()
    {
        var expected = Secp256k1.AddressOf(Secp256k1.PublicKey(Key1));
        GenTransaction.Sample(unsigned =>
        {
            var signed = TransactionSigner.Sign(unsigned, Key1, unsigned.Type == TransactionType.Legacy ? 1337u : null);
            var decoded = Transaction.Decode(signed.Encode());
            Assert.Equal(signed.Encode(), decoded.Encode());
            Assert.Equal(signed.SigningHash(), decoded.SigningHash());
            Assert.Equal((UInt256)1337u, decoded.ChainId);
            Assert.True(TransactionSigner.TryRecover(decoded, 1337u, Fork.Prague, out var sender));
            Assert.Equal(expected, sender);
            Assert.False(TransactionSigner.TryRecover(decoded, 1338u, Fork.Prague, out _));
        }, iter: 200);
    }

    [Theory]
    [InlineData("")]
    [InlineData("0x80")]
    [InlineData("0xc0")]
    [InlineData("0x03c0")]
    [InlineData("0x04c0")]
    [InlineData("0xf85d8080809467bc1c99bab063aeda214995809df79113172d1d8080")]
    public void Garbage_is_a_format_error(string hex) => Assert.ThrowsAny<FormatException>(() => Transaction.Decode(Hex.FromHex(hex)));

    [Fact]
    public void Typed_transactions_need_their_fork()
    {
        var tx = TransactionSigner.Sign(
            new Transaction { Type = TransactionType.DynamicFee, TypedChainId = 10u, GasLimit = 21000, To = default(Address) }, Key0);
        Assert.False(TransactionSigner.TryRecover(tx, 10u, Fork.Berlin, out _));
        Assert.True(TransactionSigner.TryRecover(tx, 10u, Fork.London, out _));
        Assert.Equal("transaction type not supported", TransactionChecks.Stateless(tx, Fork.Berlin));
    }

    private static readonly Gen<UInt256> GenWord = Gen.ULong.Array[4].Select(l => new UInt256(l[0], l[1], l[2], l[3]));

    private static readonly Gen<AccessListEntry> GenEntry =
        Gen.Select(Gen.Byte.Array[20], GenWord.Array[0, 3], (a, keys) => new AccessListEntry(new Address(a), keys));

    private static readonly Gen<Transaction> GenTransaction = Gen.Select(
        Gen.Int[0, 3].Select(i => i == 3 ? 4 : i), Gen.ULong, GenWord, Gen.ULong, Gen.Byte.Array[20], Gen.Byte.Array[0, 200],
        GenEntry.Array[0, 3],
        (type, nonce, price, gas, to, data, list) => new Transaction
        {
            Type = (TransactionType)type,
            TypedChainId = type == 0 ? UInt256.Zero : 1337u,
            Nonce = nonce,
            GasPrice = price,
            MaxPriorityFee = type >= 2 ? price >> 1 : price,
            GasLimit = gas,
            To = type != 4 && (to[0] & 1) == 0 ? null : new Address(to),
            Value = price >> 3,
            Data = data,
            AccessList = type == 0 ? [] : list,
            AuthorizationList = type != 4 ? []
                : [.. list.Select((e, i) => new Authorization(price, e.Address, nonce, (byte)i, price >> 1, price >> 2))],
        });
}
