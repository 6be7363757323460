using System.Text.Json;
using QuorumMesh.Cli.Evm;
using QuorumMesh.Primitives;
using QuorumMesh.Tests;

namespace QuorumMesh.Spec;

public class AbiEncoderTests
{
    [VectorFact]
    public void Public_vectors()
    {
        int count = 0;
        using JsonDocument document = JsonDocument.Parse(Vectors.ReadText("ethereum-tests/ABITests/basic_abi_tests.json"));
        foreach (JsonProperty test in document.RootElement.EnumerateObject())
        {
            string[] types = [.. test.Value.GetProperty("types").EnumerateArray().Select(t => t.GetString()!)];
            byte[] encoded = AbiEncoder.Encode(types, [.. test.Value.GetProperty("args").EnumerateArray()]);
            Assert.Equal(test.Value.GetProperty("result").GetString(), Hex.ToHex(encoded, prefix: false));
            count++;
        }

        Assert.Equal(3, count);
    }

    /// <summary>The examples of Solidity's ABI specification, "Examples".</summary>
    [Theory]
    [InlineData("baz(uint32,bool)", "[69,true]",
        "0xcdcd77c000000000000000000000000000000000000000000000000000000000000000450000000000000000000000000000000000000000000000000000000000000001")]
    [InlineData("bar(bytes3[2])", """[["abc","def"]]""",
        "0xfce353f661626300000000000000000000000000000000000000000000000000000000006465660000000000000000000000000000000000000000000000000000000000")]
    public void Calls(string signature, string values, string expected)
    {
        using JsonDocument document = JsonDocument.Parse(values);
        Assert.Equal(expected, Hex.ToHex(AbiEncoder.EncodeCall(signature, [.. document.RootElement.EnumerateArray()])));
    }

    [Theory]
    [InlineData("set(uint256", "[1]")]
    [InlineData("set(uint257)", "[1]")]
    [InlineData("set(uint8)", "[256]")]
    [InlineData("set(int8)", "[128]")]
    [InlineData("set(uint8)", "[-1]")]
    [InlineData("set(uint8)", "[]")]
    [InlineData("set(address)", "[\"0x12\"]")]
    [InlineData("set(bytes2)", "[\"0x123456\"]")]
    [InlineData("set(bool)", "[2]")]
    [InlineData("set(uint8[2])", "[[1]]")]
    [InlineData("set(uint8[])", "[1]")]
    [InlineData("set((uint8,uint8))", "[[1,2]]")]
    public void What_does_not_fit_is_refused(string signature, string values)
    {
        using JsonDocument document = JsonDocument.Parse(values);
        Assert.Throws<FormatException>(() => AbiEncoder.EncodeCall(signature, [.. document.RootElement.EnumerateArray()]));
    }
}
