using System.Globalization;
using System.Numerics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using QuorumMesh.Tests;

namespace QuorumMesh.Primitives.Tests;

/// <summary>The public vectors of ethereum/tests that concern primitives.</summary>
public class VectorTests
{
    private static JsonElement Read(string file) =>
        JsonDocument.Parse(Vectors.ReadText("ethereum-tests/" + file)).RootElement;

    [VectorFact]
    public void RLP_tests()
    {
        int count = 0;
        foreach (JsonProperty test in Read("RLPTests/rlptest.json").EnumerateObject())
        {
            byte[] expected = Hex.FromHex(test.Value.GetProperty("out").GetString()!);
            RlpWriter writer = new();
            Write(writer, test.Value.GetProperty("in"));
            Assert.True(expected.AsSpan().SequenceEqual(writer.WrittenSpan), test.Name);
            RlpReader.Validate(expected);
            RlpReader reader = new(expected);
            ExpectSame(ref reader, test.Value.GetProperty("in"), test.Name);
            reader.ExpectEnd();
            count++;
        }

        Assert.True(count >= 25, $"only {count} tests");
    }

    private static byte[] ScalarBytes(JsonElement value)
    {
        if (value.ValueKind == JsonValueKind.Number) return new UInt256(value.GetUInt64()).ToMinimalBigEndian();
        string text = value.GetString()!;
        return text.StartsWith('#')
            ? BigInteger.Parse(text.AsSpan(1), CultureInfo.InvariantCulture).ToByteArray(isUnsigned: true, isBigEndian: true)
            : Encoding.Latin1.GetBytes(text);
    }

    private static void Write(RlpWriter writer, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Array)
        {
            writer.Write(ScalarBytes(value));
            return;
        }

        int list = writer.BeginList();
        foreach (JsonElement item in value.EnumerateArray()) Write(writer, item);
        writer.EndList(list);
    }

    private static void ExpectSame(ref RlpReader reader, JsonElement value, string name)
    {
        Assert.Equal(value.ValueKind == JsonValueKind.Array, reader.IsList);
        if (value.ValueKind != JsonValueKind.Array)
        {
            Assert.True(reader.ReadBytes().SequenceEqual(ScalarBytes(value)), name);
            return;
        }

        RlpReader inner = reader.ReadList();
        Assert.Equal(value.GetArrayLength(), inner.CountItems());
        foreach (JsonElement item in value.EnumerateArray()) ExpectSame(ref inner, item, name);
        inner.ExpectEnd();
    }

    [VectorFact]
    public void Invalid_RLP_tests()
    {
        foreach (JsonProperty test in Read("RLPTests/invalidRLPTest.json").EnumerateObject())
        {
            Assert.Equal("INVALID", test.Value.GetProperty("in").GetString());
            byte[] data = Hex.FromHex(test.Value.GetProperty("out").GetString()!);
            Assert.Throws<RlpException>(() => RlpReader.Validate(data));
        }
    }

    [VectorFact]
    public void Random_RLP_tests()
    {
        int count = 0;
        foreach (string file in Directory.EnumerateFiles(Vectors.Path("ethereum-tests/RLPTests/RandomRLPTests"), "*.json"))
        {
            foreach (JsonProperty test in JsonDocument.Parse(File.ReadAllText(file)).RootElement.EnumerateObject())
            {
                byte[] data = Hex.FromHex(test.Value.GetProperty("out").GetString()!);
                if (test.Value.GetProperty("in").GetString() == "VALID") RlpReader.Validate(data);
                else Assert.Throws<RlpException>(() => RlpReader.Validate(data));
                count++;
            }
        }

        Assert.NotEqual(0, count);
    }

    /// <summary>
    /// The file's signatures are left out: they recover to their address under no hash of an empty string that was tried.
    /// </summary>
    [VectorFact]
    public void Keys_and_addresses()
    {
        foreach (JsonElement test in Read("BasicTests/keyaddrtest.json").EnumerateArray())
        {
            byte[] key = Hex.FromHex(test.GetProperty("key").GetString()!);
            Address address = Address.Parse(test.GetProperty("addr").GetString()!);
            Assert.Equal(key, Keccak.Hash(Encoding.ASCII.GetBytes(test.GetProperty("seed").GetString()!)).ToArray());
            Assert.Equal(address, Secp256k1.AddressOf(Secp256k1.PublicKey(key)));
        }
    }

    [VectorFact]
    public void Aes_counter_mode()
    {
        int count = 0;
        foreach (JsonProperty test in Read("BasicTests/crypto.json").EnumerateObject())
        {
            string kind = test.Value.GetProperty("decryption_type").GetString()!;
            Assert.Contains(kind, (string[])["aes_ctr", "ecies_sec1_altered"]);
            if (kind != "aes_ctr") continue;
            byte[] Field(string name) => Hex.FromHex(test.Value.GetProperty(name).GetString()!);
            Assert.Equal(Field("payload"), AesCtr(Field("key"), new byte[16], Field("cipher")));
            count++;
        }

        Assert.Equal(1, count);
    }

    /// <summary>ECDH through its use: the key agreement of Ethereum's ECIES, whose plain text is known.</summary>
    [VectorFact]
    public void Ecies()
    {
        int count = 0;
        foreach (JsonProperty test in Read("BasicTests/crypto.json").EnumerateObject())
        {
            if (test.Value.GetProperty("decryption_type").GetString() != "ecies_sec1_altered") continue;
            byte[] key = Hex.FromHex(test.Value.GetProperty("key").GetString()!);
            byte[] cipher = Hex.FromHex(test.Value.GetProperty("cipher").GetString()!);
            byte[] payload = Hex.FromHex(test.Value.GetProperty("payload").GetString()!);
            Assert.Equal(0x04, cipher[0]);
            byte[] x = new byte[32];
            Assert.True(Secp256k1.TryEcdh(key, cipher.AsSpan(1, 64), x));
            byte[] derived = SHA256.HashData([0, 0, 0, 1, .. x]);
            Assert.Equal(payload, AesCtr(derived[..16], cipher.AsSpan(65, 16), cipher.AsSpan(81, payload.Length)));
            byte[] mac = HMACSHA256.HashData(SHA256.HashData(derived[16..]), cipher.AsSpan(65, 16 + payload.Length));
            Assert.Equal(mac, cipher[^32..]);
            count++;
        }

        Assert.NotEqual(0, count);
    }

    private static byte[] AesCtr(byte[] key, ReadOnlySpan<byte> start, ReadOnlySpan<byte> data)
    {
        using Aes aes = Aes.Create();
        aes.Key = key;
        UInt256 counter = UInt256.FromBigEndian(start);
        byte[] result = data.ToArray();
        for (int at = 0; at < result.Length; at += 16, counter++)
        {
            byte[] stream = aes.EncryptEcb(counter.ToBigEndian().AsSpan(16), PaddingMode.None);
            for (int i = 0; i < 16 && at + i < result.Length; i++) result[at + i] ^= stream[i];
        }

        return result;
    }
}
