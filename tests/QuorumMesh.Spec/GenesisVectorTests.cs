using System.Globalization;
using System.Numerics;
using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.Tests;

namespace QuorumMesh.Spec;

/// <summary>GenesisTests, and the genesis blocks of BasicTests.</summary>
public class GenesisVectorTests
{
    [VectorFact]
    public void Genesis_blocks()
    {
        int count = 0;
        using JsonDocument document = JsonDocument.Parse(Vectors.ReadText("ethereum-tests/GenesisTests/basic_genesis_tests.json"));
        foreach (JsonProperty test in document.RootElement.EnumerateObject())
        {
            GenesisFile genesis = Read(test.Value);
            Assert.Equal(test.Value.GetProperty("result").GetString(), Hex.ToHex(genesis.ToBlock().Encode(), prefix: false));
            count++;
        }

        Assert.Equal(3, count);
    }

    [VectorFact]
    public void Genesis_of_the_main_network()
    {
        using JsonDocument document = JsonDocument.Parse(Vectors.ReadText("ethereum-tests/BasicTests/genesishashestest.json"));
        byte[] encoded = Hex.FromHex(document.RootElement.GetProperty("genesis_rlp_hex").GetString()!);
        Block block = Block.Decode(encoded);
        Assert.Equal(Hash256.Parse(document.RootElement.GetProperty("genesis_hash").GetString()!), block.Hash);
        Assert.Equal(Hash256.Parse(document.RootElement.GetProperty("genesis_state_root").GetString()!), block.Header.StateRoot);
        Assert.Equal(encoded, block.Encode());
    }

    /// <summary>Headers of before the first network, with 13 items and no receipts or bloom: they are RLP, and no blocks of ours.</summary>
    [VectorFact]
    public void Genesis_blocks_of_before_Frontier_are_refused()
    {
        int count = 0;
        using JsonDocument document = JsonDocument.Parse(Vectors.ReadText("ethereum-tests/BasicTests/blockgenesistest.json"));
        foreach (JsonElement test in document.RootElement.EnumerateArray())
        {
            byte[] encoded = Hex.FromHex(test.GetProperty("result").GetString()!);
            RlpReader.Validate(encoded);
            var reader = new RlpReader(encoded);
            RlpReader block = reader.ReadList();
            Assert.Equal(13, block.ReadList().CountItems());
            Assert.ThrowsAny<FormatException>(() => Block.Decode(encoded));
            count++;
        }

        Assert.Equal(3, count);
    }

    private static GenesisFile Read(JsonElement test) => new()
    {
        Config = new ChainConfig(),
        Nonce = ulong.Parse(Digits(test, "nonce"), NumberStyles.HexNumber, CultureInfo.InvariantCulture),
        Timestamp = ulong.Parse("0" + Digits(test, "timestamp"), NumberStyles.HexNumber, CultureInfo.InvariantCulture),
        ExtraData = Hex.FromHex(Text(test, "extraData")),
        GasLimit = ulong.Parse(Digits(test, "gasLimit"), NumberStyles.HexNumber, CultureInfo.InvariantCulture),
        Difficulty = UInt256.Parse(Text(test, "difficulty")),
        MixHash = Hash256.Parse(Text(test, "mixHash")),
        Coinbase = Address.Parse(Text(test, "coinbase")),
        ParentHash = Hash256.Parse(Text(test, "parentHash")),
        Alloc = [.. test.GetProperty("alloc").EnumerateObject().Select(ReadAccount)],
    };

    private static GenesisAccount ReadAccount(JsonProperty account)
    {
        string balance = account.Value.TryGetProperty("balance", out JsonElement b) ? b.GetString()!
            : account.Value.TryGetProperty("wei", out JsonElement w) ? w.GetString()! : "0";
        return new GenesisAccount(Address.Parse(account.Name),
            UInt256.FromBigEndian(BigInteger.Parse(balance, CultureInfo.InvariantCulture).ToByteArray(isUnsigned: true, isBigEndian: true)))
        {
            Code = account.Value.TryGetProperty("code", out JsonElement code) ? Hex.FromHex(code.GetString()!) : [],
            Storage = account.Value.TryGetProperty("storage", out JsonElement storage)
                ? storage.EnumerateObject().ToDictionary(slot => UInt256.Parse(slot.Name), slot => UInt256.Parse(slot.Value.GetString()!))
                : new Dictionary<UInt256, UInt256>(),
        };
    }

    private static string Text(JsonElement test, string name) => test.GetProperty(name).GetString()!;

    private static string Digits(JsonElement test, string name) => Text(test, name)[2..];
}
