using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Tests;

/// <summary>
/// What calls and estimates answer under each profile (internal/ethapi/api.go of GoQuorum 2.5.0, 20.10.0, 21.4.2 and 24.4.1). Up to
/// 20.10 a call that fails is not told: its output is the answer.
/// </summary>
public class ProfileAnswerTests
{
    private const string Reverting = "0x00000000000000000000000000000000000000a1";
    private const string TellingCaller = "0x00000000000000000000000000000000000000a2";
    private const string Zero = "0x0000000000000000000000000000000000000000000000000000000000000000";

    private static readonly byte[] Key = [.. Enumerable.Repeat((byte)7, 32)];
    private static readonly Address Account = Secp256k1.AddressOf(Secp256k1.PublicKey(Key));

    [Theory]
    [InlineData("2.5")]
    [InlineData("2.6")]
    public async Task A_call_that_reverts_answers_with_its_output_up_to_20_10(string profile)
    {
        using var node = NewNode(profile);
        await using var client = new RpcClient(node);
        Assert.Equal(Zero[..^2] + "42", (await client.CallAsync("eth_call", Call(Reverting))).GetString());
    }

    [Theory]
    [InlineData("21")]
    [InlineData("24")]
    public async Task A_call_that_reverts_is_an_error_with_its_data_from_21_on(string profile)
    {
        using var node = NewNode(profile);
        await using var client = new RpcClient(node);
        var error = await client.FailAsync("eth_call", Call(Reverting));
        Assert.Equal((3, "execution reverted", Zero[..^2] + "42"), (error.Code, error.Message, error.Data));
    }

    [Theory]
    [InlineData("2.5", "gas required exceeds allowance or always failing transaction")]
    [InlineData("2.6", "gas required exceeds allowance (100000) or always failing transaction")]
    [InlineData("21", "execution reverted")]
    [InlineData("24", "execution reverted")]
    public async Task An_estimate_that_cannot_be_made_is_told_in_the_words_of_the_profile(string profile, string text)
    {
        using var node = NewNode(profile);
        await using var client = new RpcClient(node);
        Assert.Equal(text, (await client.FailAsync("eth_estimateGas", $$"""[{"to":"{{Reverting}}","gas":"0x186a0"}]""")).Message);
    }

    [Theory]
    [InlineData("2.5", true)]
    [InlineData("2.6", true)]
    [InlineData("21", false)]
    [InlineData("24", false)]
    public async Task A_call_of_nobody_is_the_first_accounts_up_to_20_10(string profile, bool isAccounts)
    {
        using var node = NewNode(profile);
        await using var client = new RpcClient(node);
        var caller = (await client.CallAsync("eth_call", Call(TellingCaller))).GetString();
        Assert.Equal(Zero[..26] + (isAccounts ? Account : Address.Zero).ToString()[2..], caller);
    }

    [Theory]
    [InlineData("2.5", true)]
    [InlineData("2.6", true)]
    [InlineData("21", false)]
    [InlineData("24", false)]
    public async Task A_call_with_too_little_gas_is_out_of_gas_up_to_20_10(string profile, bool isOutOfGas)
    {
        using var node = NewNode(profile);
        await using var client = new RpcClient(node);
        var text = (await client.FailAsync("eth_call", $$"""[{"to":"{{Reverting}}","gas":"0x10"},"latest"]""")).Message;
        Assert.Equal(isOutOfGas, text == "out of gas");
    }

    private static string Call(string to) => $$"""[{"to":"{{to}}"},"latest"]""";

    private static FakeNode NewNode(string profile) => new(GenesisFile.Parse($$"""
        { "alloc": { "{{Reverting}}": { "balance": "0", "code": "0x604260005260206000fd" },
                     "{{TellingCaller}}": { "balance": "0", "code": "0x3360005260206000f3" } },
          "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0, "byzantiumBlock": 0,
                      "isQuorum": true },
          "difficulty": "0x0", "gasLimit": "0xE0000000" }
        """), CompatibilityProfile.Parse(profile), Key);
}
