using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Tests;

/// <summary>eth_signTypedData_v4 (EIP-712), and personal_sign without a password.</summary>
public sealed class TypedDataTests
{
    private const string MailDomain =
        """{"name":"Ether Mail","version":"1","chainId":1,"verifyingContract":"0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC"}""";
    private const string DomainType =
        """[{"name":"name","type":"string"},{"name":"version","type":"string"},{"name":"chainId","type":"uint256"},{"name":"verifyingContract","type":"address"}]""";

    /// <summary>The key of EIP-712's example.</summary>
    private static readonly byte[] Cow = Keccak.Hash("cow"u8).ToArray();
    private static readonly byte[] Dragon = Keccak.Hash("dragon"u8).ToArray();
    private static readonly Address Signer = Secp256k1.AddressOf(Secp256k1.PublicKey(Cow));

    /// <summary>Example.js of EIP-712, then the V4 tests of MetaMask's eth-sig-util: arrays, and structs inside themselves.</summary>
    [Theory]
    [InlineData("""{"Mail":[{"name":"from","type":"Person"},{"name":"to","type":"Person"},{"name":"contents","type":"string"}],"Person":[{"name":"name","type":"string"},{"name":"wallet","type":"address"}]}""", "Mail",
        """{"from":{"name":"Cow","wallet":"0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"},"to":{"name":"Bob","wallet":"0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB"},"contents":"Hello, Bob!"}""",
        "0x4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b915621c")]
    [InlineData("""{"Person":[{"name":"name","type":"string"},{"name":"wallets","type":"address[]"}],"Mail":[{"name":"from","type":"Person"},{"name":"to","type":"Person[]"},{"name":"contents","type":"string"}],"Group":[{"name":"name","type":"string"},{"name":"members","type":"Person[]"}]}""", "Mail",
        """{"from":{"name":"Cow","wallets":["0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826","0xDeaDbeefdEAdbeefdEadbEEFdeadbeEFdEaDbeeF"]},"to":[{"name":"Bob","wallets":["0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB","0xB0BdaBea57B0BDABeA57b0bdABEA57b0BDabEa57","0xB0B0b0b0b0b0B000000000000000000000000000"]}],"contents":"Hello, Bob!"}""",
        "0x65cbd956f2fae28a601bebc9b906cea0191744bd4c4247bcd27cd08f8eb6b71c78efdf7a31dc9abee78f492292721f362d296cf86b4538e07b51303b67f749061b")]
    public async Task The_known_examples_are_signed(string types, string primary, string message, string signature)
    {
        using var node = NewNode();
        await using var client = new RpcClient(node);
        var data = Data(types, primary, message, MailDomain);
        Assert.Equal(signature, (await client.CallAsync("eth_signTypedData_v4", $"[\"{Signer}\",{data}]")).GetString());
        Assert.Equal(signature, (await client.CallAsync("eth_signTypedData", $"[\"{Signer}\",{JsonSerializer.Serialize(data)}]"))
            .GetString());
    }

    [Fact]
    public async Task Structs_inside_themselves_end_at_null()
    {
        using var node = NewNode();
        await using var client = new RpcClient(node);
        const string Types = """{"Person":[{"name":"name","type":"string"},{"name":"mother","type":"Person"},{"name":"father","type":"Person"}]}""";
        const string Message = """{"name":"Jon","mother":{"name":"Lyanna","father":{"name":"Rickard"}},"father":{"name":"Rhaegar","father":{"name":"Aeris II"}}}""";
        const string Domain = """{"name":"Family Tree","version":"1","chainId":1,"verifyingContract":"0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC"}""";
        const string Signature =
            "0xf2ec61e636ff7bb3ac8bc2a4cc2c8b8f635dd1b2ec8094c963128b358e79c85c5ca6dd637ed7e80f0436fe8fce39c0e5f2082c9517fe677cc2917dcd6c84ba881c";
        var signer = Secp256k1.AddressOf(Secp256k1.PublicKey(Dragon));
        Assert.Equal(Signature, (await client.CallAsync("eth_signTypedData_v4", $"[\"{signer}\",{Data(Types, "Person", Message, Domain)}]"))
            .GetString());
        var withNulls = Message.Replace("\"Rickard\"", "\"Rickard\",\"mother\":null,\"father\":null", StringComparison.Ordinal);
        Assert.Equal(Signature, (await client.CallAsync("eth_signTypedData_v4",
            $"[\"{signer}\",{Data(Types, "Person", withNulls, Domain)}]")).GetString());
    }

    /// <summary>Each word written by hand.</summary>
    [Theory]
    [InlineData("bool", "true", "0000000000000000000000000000000000000000000000000000000000000001")]
    [InlineData("bool", "false", "0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("uint8", "255", "00000000000000000000000000000000000000000000000000000000000000ff")]
    [InlineData("uint256", "\"115792089237316195423570985008687907853269984665640564039457584007913129639935\"",
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")]
    [InlineData("uint256", "\"0xff\"", "00000000000000000000000000000000000000000000000000000000000000ff")]
    [InlineData("uint", "\"0x0\"", "0000000000000000000000000000000000000000000000000000000000000000")]
    [InlineData("int8", "-128", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff80")]
    [InlineData("int256", "\"-1\"", "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff")]
    [InlineData("int16", "32767", "0000000000000000000000000000000000000000000000000000000000007fff")]
    [InlineData("int", "\"127\"", "000000000000000000000000000000000000000000000000000000000000007f")]
    [InlineData("address", "\"0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826\"",
        "000000000000000000000000cd2a3d9f938e13cd947ec05abc7fe734df8dd826")]
    [InlineData("bytes4", "\"0xdeadbeef\"", "deadbeef00000000000000000000000000000000000000000000000000000000")]
    [InlineData("bytes32", "\"0x1111111111111111111111111111111111111111111111111111111111111111\"",
        "1111111111111111111111111111111111111111111111111111111111111111")]
    [InlineData("bytes", "\"0x0102\"", "keccak:0102")]
    [InlineData("bytes", "\"0x\"", "keccak:")]
    [InlineData("string", "\"h\\u00e9\"", "keccak:68c3a9")]
    [InlineData("uint8[]", "[]", "keccak:")]
    [InlineData("uint8[2]", "[1,2]",
        "keccak:00000000000000000000000000000000000000000000000000000000000000010000000000000000000000000000000000000000000000000000000000000002")]
    [InlineData("bool[1][]", "[[true]]", "keccak:keccak:0000000000000000000000000000000000000000000000000000000000000001")]
    public async Task Every_type_is_encoded(string type, string value, string word)
    {
        using var node = NewNode();
        await using var client = new RpcClient(node);
        var signature = (await client.CallAsync("eth_signTypedData_v4", $"[\"{Signer}\",{Simple(type, value)}]")).GetString();
        byte[] encoded = [.. Keccak.Hash(System.Text.Encoding.ASCII.GetBytes($"T({type} v)")).ToArray(), .. Expected(word)];
        byte[] digest = [0x19, 0x01, .. Keccak.Hash(Keccak.Hash("EIP712Domain()"u8).ToArray()).ToArray(),
            .. Keccak.Hash(encoded).ToArray()];
        var expected = Secp256k1.Sign(Cow, Keccak.Hash(digest).ToArray());
        expected[64] += 27;
        Assert.Equal(Hex.ToHex(expected), signature);
    }

    [Theory]
    [InlineData("uint8", "256", "does not fit uint8")]
    [InlineData("uint8", "-1", "does not fit uint8")]
    [InlineData("int8", "128", "does not fit int8")]
    [InlineData("uint256", "1.5", "message.v is no uint256")]
    [InlineData("uint256", "\"0x\"", "message.v is no uint256")]
    [InlineData("uint256", "true", "message.v is no uint256")]
    [InlineData("uint256", "null", "message.v is no uint256")]
    [InlineData("bool", "1", "message.v is no bool")]
    [InlineData("string", "1", "message.v is no string")]
    [InlineData("address", "\"0x12\"", "has 1 bytes")]
    [InlineData("address", "\"CD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826\"", "is no address")]
    [InlineData("bytes4", "\"0x11\"", "has 1 bytes")]
    [InlineData("bytes", "\"0xzz\"", "is no bytes")]
    [InlineData("uint8[2]", "[1]", "1 elements, not 2")]
    [InlineData("uint8[]", "1", "must be an array")]
    [InlineData("uint8[]", "[1,300]", "message.v[1]: 300")]
    [InlineData("uint7", "1", "neither one of Solidity's")]
    [InlineData("uint264", "1", "neither one of Solidity's")]
    [InlineData("bytes33", "1", "neither one of Solidity's")]
    [InlineData("fixed128x18", "1", "neither one of Solidity's")]
    [InlineData("Nobody", "1", "neither one of Solidity's")]
    [InlineData("uint8[", "1", "is no type")]
    [InlineData("uint8) evil(uint8", "1", "neither one of Solidity's")]
    public async Task What_is_not_of_its_type_is_named(string type, string value, string why) =>
        Assert.Contains(why, await RefusalAsync(Simple(type, value)), StringComparison.Ordinal);

    [Theory]
    [InlineData("1", "object")]
    [InlineData("\"nonsense\"", "no JSON")]
    [InlineData("{}", "types is missing")]
    [InlineData("""{"types":{"T":[]},"primaryType":"T","domain":{},"message":{}}""", "EIP712Domain is missing")]
    [InlineData("""{"types":{"EIP712Domain":[],"T":[]},"primaryType":"U","domain":{},"message":{}}""", "'U' is not in types")]
    [InlineData("""{"types":{"EIP712Domain":[],"T":[]},"primaryType":"T","domain":{"name":"x"},"message":{}}""",
        "domain.name is not a field")]
    [InlineData("""{"types":{"EIP712Domain":[],"T":[]},"primaryType":"T","domain":{},"message":{"hidden":1}}""",
        "message.hidden is not a field")]
    [InlineData("""{"types":{"EIP712Domain":[],"T":[{"name":"v","type":"bool"}]},"primaryType":"T","domain":{},"message":{}}""",
        "message.v is missing")]
    [InlineData("""{"types":{"EIP712Domain":[],"T":[{"name":"v","type":"bool"}]},"primaryType":"T","domain":{},"message":{"v":true,"v":false}}""", "v")]
    [InlineData("""{"types":{"EIP712Domain":[],"uint8":[]},"primaryType":"uint8","domain":{},"message":{}}""", "no name for a struct")]
    [InlineData("""{"types":{"EIP712Domain":[],"T":[{"name":"a b","type":"bool"}]},"primaryType":"T","domain":{},"message":{}}""",
        "no name for a field")]
    [InlineData("""{"types":{"EIP712Domain":[],"T":[{"name":"a","type":"bool"},{"name":"a","type":"bool"}]},"primaryType":"T","domain":{},"message":{}}""", "two fields")]
    public async Task What_is_no_typed_data_is_named(string data, string why) =>
        Assert.Contains(why, await RefusalAsync(data), StringComparison.Ordinal);

    [Fact]
    public async Task Only_own_unlocked_accounts_sign()
    {
        using var node = NewNode();
        await using var client = new RpcClient(node);
        var data = Simple("bool", "true");
        Assert.Equal("unknown account",
            (await client.FailAsync("eth_signTypedData_v4", $"[\"0x00000000000000000000000000000000000000ff\",{data}]")).Message);
        node.Accounts.Lock(Signer);
        Assert.Equal("authentication needed: password or unlock",
            (await client.FailAsync("eth_signTypedData_v4", $"[\"{Signer}\",{data}]")).Message);
        Assert.Equal("authentication needed: password or unlock",
            (await client.FailAsync("personal_sign", $"[\"0x1234\",\"{Signer}\"]")).Message);
    }

    [Fact]
    public async Task Wallets_sign_without_a_password()
    {
        using var node = NewNode();
        await using var client = new RpcClient(node);
        var signature = (await client.CallAsync("personal_sign", $"[\"0x1234\",\"{Signer}\"]")).GetString();
        Assert.Equal(signature, (await client.CallAsync("personal_sign", $"[\"0x1234\",\"{Signer}\",\"\"]")).GetString());
        Assert.Equal(signature, (await client.CallAsync("eth_sign", $"[\"{Signer}\",\"0x1234\"]")).GetString());
        Assert.Equal(Signer.ToString(), (await client.CallAsync("personal_ecRecover", $"[\"0x1234\",\"{signature}\"]")).GetString());
    }

    private static async Task<string> RefusalAsync(string data)
    {
        using var node = NewNode();
        await using var client = new RpcClient(node);
        var (code, message, _) = await client.FailAsync("eth_signTypedData_v4", $"[\"{Signer}\",{data}]");
        Assert.Equal(-32602, code);
        return message;
    }

    private static byte[] Expected(string word) =>
        word.StartsWith("keccak:", StringComparison.Ordinal) ? Keccak.Hash(Expected(word["keccak:".Length..])).ToArray()
            : Convert.FromHexString(word);

    private static string Simple(string type, string value) =>
        $$"""{"types":{"EIP712Domain":[],"T":[{"name":"v","type":"{{type}}"}]},"primaryType":"T","domain":{},"message":{"v":{{value}} } }""";

    private static string Data(string types, string primary, string message, string domain) =>
        $$"""{"types":{"EIP712Domain":{{DomainType}},{{types[1..^1]}} },"primaryType":"{{primary}}","domain":{{domain}},"message":{{message}} }""";

    private static FakeNode NewNode() => new(GenesisFile.Parse("""
        { "alloc": {}, "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0, "byzantiumBlock": 0, "isQuorum": true }, "difficulty": "0x0", "gasLimit": "0xE0000000" }
        """), CompatibilityProfile.V24, Cow, Dragon);
}
