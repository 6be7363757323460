using System.Text;
using System.Text.Json;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.Tests;

namespace QuorumMesh.Chain.Tests;

/// <summary>What a marker's payload must be for GoQuorum to run it, and for us.</summary>
public sealed class TransactionTextTests
{
    private const string Rest = """
        "gasPrice":"0x0","gas":"0x5208","value":"0x0","input":"0x01","v":"0x25","r":"0x1","s":"0x2"
        """;

    [VectorFact]
    public void The_payloads_of_recorded_markers_come_back_byte_for_byte()
    {
        using var payloads = JsonDocument.Parse(Vectors.ReadText("goquorum/qbft4-24.4.1/payloads.json"));
        using var recorded = JsonDocument.Parse(Vectors.ReadText("goquorum/qbft4-24.4.1/privacyMarkers.json"));
        var expected = recorded.RootElement.GetProperty("node4").EnumerateObject()
            .Select(m => m.Value.GetProperty("privateTransaction")).Where(t => t.ValueKind == JsonValueKind.Object).ToList();
        var found = 0;
        foreach (var item in payloads.RootElement.EnumerateObject())
        {
            var bytes = Hex.FromHex(item.Value.GetProperty("payload").GetString()!);
            if (bytes is not [(byte)'{', ..]) continue;
            var tx = TransactionText.Decode(bytes);
            Assert.Equal(Hex.ToHex(bytes), Hex.ToHex(TransactionText.Encode(tx)) + "0a");
            Assert.True(TransactionSigner.TryRecover(tx, UInt256.Zero, Evm.Fork.Homestead, out var sender));
            var same = expected.Single(t => t.GetProperty("hash").GetString() == tx.Hash.ToString());
            Assert.Equal(same.GetProperty("from").GetString(), sender.ToString());
            Assert.Equal(tx.PayloadHash, PrivacyMarker.InnerPayloadOf(bytes));
            found++;
        }
        Assert.Equal(7, found);
    }

    /// <summary>encoding/json and common/hexutil of go-ethereum take all of these.</summary>
    [Theory]
    [InlineData("""{"nonce":"0x7",REST}""")]
    [InlineData("""{"NoNcE":"0X7",REST}""")]
    [InlineData("""  {"nonce":"0x7",REST} trailing text {""")]
    [InlineData("""{"nonce":"0x3",REST,"nonce":"0x7"}""")]
    [InlineData("""{"type":"","nonce":"0x7",REST,"to":null,"hash":"0x0000000000000000000000000000000000000000000000000000000000000000"}""")]
    [InlineData("""{"nonce":"0x7",REST,"unknown":{"a":[1,2,{"b":null}]},"chainId":null,"accessList":null}""")]
    [InlineData("""{"nonce":"0x7",REST,"accessList":[{"address":"0x00000000000000000000000000000000000000aa","storageKeys":[]}]}""")]
    [InlineData("""{"\u006eonce":"0x7",REST,"\ud800":1}""")]
    [InlineData("""{"nonce":"0x7","gaſPrice":"0x0",REST}""")]
    public void What_Go_takes_is_taken(string text)
    {
        var tx = TransactionText.Decode(Encoding.UTF8.GetBytes(text.Replace("REST", Rest, StringComparison.Ordinal)));
        Assert.Equal((7ul, 21000ul, (UInt256)37u), (tx.Nonce, tx.GasLimit, tx.V));
        Assert.True(tx.IsPrivate);
        Assert.Equal("0x01", Hex.ToHex(tx.Data));
    }

    /// <summary>GoQuorum skips the transaction in each of these: parties that took one would have another state.</summary>
    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"nonce":"0x7",REST""")]
    [InlineData("""{REST}""")]
    [InlineData("""{"nonce":"0x7",REST,"nonce":null}""")]
    [InlineData("""{"nonce":7,REST}""")]
    [InlineData("""{"nonce":"7",REST}""")]
    [InlineData("""{"nonce":"0x07",REST}""")]
    [InlineData("""{"nonce":"0x",REST}""")]
    [InlineData("""{"nonce":"0x\u0037",REST}""")]
    [InlineData("""{"nonce":"0x10000000000000000",REST}""")]
    [InlineData("""{"nonce":"0x7",REST,"type":null}""")]
    [InlineData("""{"nonce":"0x7",REST,"type":"0x1"}""")]
    [InlineData("""{"nonce":"0x7",REST,"type":"0x2"}""")]
    [InlineData("""{"nonce":"0x7",REST,"to":""}""")]
    [InlineData("""{"nonce":"0x7",REST,"to":"0x00"}""")]
    [InlineData("""{"nonce":"0x7",REST,"hash":"0x00"}""")]
    [InlineData("""{"nonce":"0x7",REST,"hash":null}""")]
    [InlineData("""{"nonce":"0x7",REST,"chainId":"1"}""")]
    [InlineData("""{"nonce":"0x7",REST,"accessList":"x"}""")]
    [InlineData("""{"nonce":"0x7",REST,"accessList":[null]}""")]
    [InlineData("""{"nonce":"0x7",REST,"accessList":[{"address":"0x00000000000000000000000000000000000000aa"}]}""")]
    [InlineData("""{"nonce":"0x7",REST,"input":"0x0"}""")]
    [InlineData("""{"nonce":"0x7",REST,"input":"01"}""")]
    [InlineData("""{"nonce":"0x7",REST,"r":"0x10000000000000000000000000000000000000000000000000000000000000000"}""")]
    public void What_Go_refuses_is_refused(string text) =>
        Assert.Throws<FormatException>(
            () => TransactionText.Decode(Encoding.UTF8.GetBytes(text.Replace("REST", Rest, StringComparison.Ordinal))));
}
