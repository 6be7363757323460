using CsCheck;
using QuorumMesh.Contracts.Parties;
using QuorumMesh.Primitives;

namespace QuorumMesh.Contracts.Tests;

public class PartyInfoCodecTests
{
    private const string D1 =
        "000000000000000e687474703a2f2f613a393030312f"
        + "0000000000000001"
        + "0000000000000020ffe52e0fadf322d2f511b8f190a5258cc806f19d70d0027ca4d391e22ab6c907"
        + "000000000000000e687474703a2f2f613a393030312f"
        + "0000000000000002"
        + "000000000000000e687474703a2f2f613a393030312f"
        + "000000000000000e687474703a2f2f623a393030322f";

    private const string D2 = "000000000000000e687474703a2f2f623a393030322f00000000000000000000000000000000";

    [Fact]
    public void Worked_bytes()
    {
        var info = new PartyInfo("http://a:9001/", [new(WorkedBytes.S, "http://a:9001/")], ["http://a:9001/", "http://b:9002/"]);
        Assert.Equal(D1, Hex.ToHex(PartyInfoCodec.Encode(info), prefix: false));
        Assert.Equal(144, D1.Length / 2);
        Assert.Equal(D2, Hex.ToHex(PartyInfoCodec.Encode(new PartyInfo("http://b:9002/", [], [])), prefix: false));
    }

    [Fact]
    public void Padding_after_the_last_party_is_ignored()
    {
        PartyInfo info = PartyInfoCodec.Decode([.. Hex.FromHex(D1), .. new byte[100]]);
        Assert.Equal("http://a:9001/", info.Url);
        Assert.Equal(WorkedBytes.S, Assert.Single(info.Recipients).Key);
        Assert.Equal(["http://a:9001/", "http://b:9002/"], info.Parties);
    }

    [Theory]
    [InlineData("")]
    [InlineData("8000000000000000")]
    [InlineData("0000000000000801")]
    [InlineData("0000000000000001ff00000000000000000000000000000000")]
    [InlineData("000000000000000e687474703a2f2f613a393030312f00000000000027100000000000000001")]
    public void Bad_bytes_are_refused(string hex) =>
        Assert.Throws<WireFormatException>(() => PartyInfoCodec.Decode(Hex.FromHex(hex)));

    [Fact]
    public void Changed_bytes_never_throw_anything_else() =>
        Gen.Select(Gen.Int[0, 143], Gen.Byte, Gen.Int[0, 143]).Sample((at, value, cut) =>
    {
        byte[] bytes = Hex.FromHex(D1);
        bytes[at] = value;
        try
        {
            PartyInfoCodec.Decode(bytes.AsSpan(0, bytes.Length - cut));
        }
        catch (WireFormatException)
        {
        }
    });
}
