using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Tests;

/// <summary>Three participants on one chain: A and B have a contract, C gets it.</summary>
public sealed partial class ExtensionLifeTests : IAsyncDisposable
{
    /// <summary>Adds its input to slot 0.</summary>
    private const string Code = "0x6960003560005401600055600052600a6016f3";

    private readonly Party _a = new(1);
    private readonly Party _b = new(2);
    private readonly Party _c = new(3);

    public ExtensionLifeTests()
    {
        FakeManager[] managers = [_a.Node.Manager, _b.Node.Manager, _c.Node.Manager];
        foreach (var manager in managers) manager.Network = managers;
    }

    private Party[] All => [_a, _b, _c];

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task The_new_party_has_the_state_of_the_others_and_goes_on_with_them(int flag)
    {
        var contract = await CreateAsync(flag);
        var management = await ExtendAsync(contract);
        Assert.Equal("ACTIVE", await StatusAsync(_a, management));
        // By itself, once the creation is mined; and once only.
        await LookAsync();
        Assert.Equal(1, Mine());
        await LookAsync();
        Assert.Equal(0, Mine());
        await ApproveAsync(management, isYes: true);
        Assert.Equal(1, Mine());
        await LookAsync();
        Assert.Equal(1, Mine());

        Assert.Equal("DONE", await StatusAsync(_a, management));
        Assert.Equal("DONE", await StatusAsync(_c, management));
        Assert.Equal([], await ActiveAsync(_a));
        Assert.Equal([], await ActiveAsync(_c));
        await AssertSameAsync(contract, 5);
        if (flag > 0)
        {
            var metadata = await _a.Client.CallAsync("eth_getContractPrivacyMetadata", $"[\"{contract}\"]");
            Assert.All(All, party => Assert.True(JsonElement.DeepEquals(metadata,
                party.Client.CallAsync("eth_getContractPrivacyMetadata", $"[\"{contract}\"]").Result)));
        }
        await SendAsync(_c, flag, contract, Word(3), _a, _b);
        Assert.Equal(1, Mine());
        await AssertSameAsync(contract, 8);
    }

    [Fact]
    public async Task A_no_ends_it_and_a_new_one_may_begin()
    {
        var contract = await CreateAsync(0);
        var management = await ExtendAsync(contract);
        var (_, message, _) = await _a.Client.FailAsync("quorumExtension_extendContract", ExtendArguments(contract));
        Assert.Equal("contract extension in progress for the given contract address", message);
        await LookAsync();
        Mine();
        await ApproveAsync(management, isYes: false);
        Mine();
        await LookAsync();
        Assert.Equal(0, Mine());
        Assert.Equal("DONE", await StatusAsync(_c, management));
        Assert.Equal(Word(0), await SlotAsync(_c, contract));
        Assert.NotEqual(management, await ExtendAsync(contract));
    }

    [Fact]
    public async Task A_cancelled_one_is_over()
    {
        var contract = await CreateAsync(0);
        var management = await ExtendAsync(contract);
        await LookAsync();
        Mine();
        await _a.Client.CallAsync("quorumExtension_cancelExtension", JsonSerializer.Serialize(new object[] { management, _a.From(_c) }));
        Mine();
        var (_, message, _) = await _c.Client.FailAsync("quorumExtension_approveExtension", VoteArguments(management, true));
        Assert.Equal("contract extension process complete. nothing to accept", message);
    }

    /// <summary>GoQuorum takes it, and the new party's state differs from then on.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public async Task Nothing_is_sent_to_a_contract_while_its_state_is_on_its_way(int flag)
    {
        var contract = await CreateAsync(flag);
        var management = await ExtendAsync(contract);
        await LookAsync();
        Mine();
        await ApproveAsync(management, isYes: true);
        Mine();
        var (_, message, _) = await _a.Client.FailAsync("eth_sendTransaction", Arguments(_a, flag, contract, Word(1), _b));
        Assert.Contains($"contract {contract} is on its way to a new party (extension {management})", message, StringComparison.Ordinal);
        await LookAsync();
        Mine();
        await SendAsync(_a, flag, contract, Word(1), flag == 0 ? [_b] : [_b, _c]);
        Assert.Equal(1, Mine());
        Assert.Equal(Word(6), await SlotAsync(_a, contract));
    }

    /// <summary>GoQuorum's node does its part when it hears of it, and never again.</summary>
    [Fact]
    public async Task What_failed_or_was_missed_is_done_later()
    {
        var contract = await CreateAsync(0);
        var management = await ExtendAsync(contract);
        var clock = new FakeTimeProvider();
        _a.Client.Server.Extensions!.Clock = clock;
        _a.Node.Manager.Refuses = "the manager is away";
        await LookAsync();
        Assert.Equal(0, Mine());
        _a.Node.Manager.Refuses = null;
        clock.Advance(TimeSpan.FromSeconds(10));
        await LookAsync();
        Assert.Equal(1, Mine());
        await ApproveAsync(management, isYes: true);
        Mine();
        // As after a restart: nothing is known but the chain.
        await _a.RestartAsync();
        await LookAsync();
        Assert.Equal(1, Mine());
        await AssertSameAsync(contract, 5);
    }

    [Fact]
    public async Task A_share_that_is_not_whole_is_refused_and_never_called_done()
    {
        var contract = await CreateAsync(0);
        var management = await ExtendAsync(contract);
        await LookAsync();
        Mine();
        await ApproveAsync(management, isYes: true);
        Mine();
        await LookAsync();
        foreach (var (hash, answer) in _c.Node.Manager.Answers)
            if (answer.Payload![0] == '{' && answer.Payload.AsSpan().IndexOf("\"05\""u8) is > 0 and var at)
            {
                var changed = answer.Payload.ToArray();
                changed[at + 2] = (byte)'6';
                _c.Node.Manager.Answers[hash] = Chain.Payloads.PayloadAnswer.Here(hash, changed);
            }
        Mine();
        Assert.Equal("DONE", await StatusAsync(_a, management));
        var (_, message, _) = await _c.Client.FailAsync("quorumExtension_getExtensionStatus", $"[\"{management}\"]");
        Assert.Contains("did not take the state: the shared state is not whole", message, StringComparison.Ordinal);
        Assert.Equal(Word(0), await SlotAsync(_c, contract));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var party in All) await party.DisposeAsync();
    }

    private async Task<string> CreateAsync(int flag)
    {
        var hash = await SendAsync(_a, flag, null, Code, _b);
        Mine();
        var receipt = await _a.Client.CallAsync("eth_getTransactionReceipt", $"[\"{hash}\"]");
        var contract = receipt.GetProperty("contractAddress").GetString()!;
        await SendAsync(_a, flag, contract, Word(5), _b);
        Mine();
        Assert.Equal((Word(5), Word(0)), (await SlotAsync(_b, contract), await SlotAsync(_c, contract)));
        return contract;
    }

    private async Task<string> ExtendAsync(string contract)
    {
        var hash = (await _a.Client.CallAsync("quorumExtension_extendContract", ExtendArguments(contract))).GetString();
        Assert.Equal(1, Mine());
        var receipt = await _a.Client.CallAsync("eth_getTransactionReceipt", $"[\"{hash}\"]");
        Assert.Equal("0x1", receipt.GetProperty("status").GetString());
        Assert.Single(await ActiveAsync(_c));
        return receipt.GetProperty("contractAddress").GetString()!;
    }

    private string ExtendArguments(string contract) => JsonSerializer.Serialize(
        new object[] { contract, _c.Node.Manager.Key, _c.Account.ToString(), _a.From(_c) });

    private string VoteArguments(string management, bool isYes) =>
        JsonSerializer.Serialize(new object[] { management, isYes, _c.From(_a, _b) });

    private async Task ApproveAsync(string management, bool isYes) =>
        await _c.Client.CallAsync("quorumExtension_approveExtension", VoteArguments(management, isYes));

    private async Task LookAsync()
    {
        foreach (var party in All) await party.Client.Server.Extensions!.LookAsync(default);
    }

    /// <returns>How many transactions waited.</returns>
    private int Mine()
    {
        var waiting = All.SelectMany(p => p.Node.PoolContentAsync(null, default).Result).SelectMany(c => c.Pending).Select(t => t.Tx)
            .DistinctBy(t => t.Hash).ToArray();
        if (waiting.Length == 0) return 0;
        var block = _a.Node.Mint(waiting);
        foreach (var party in All)
        {
            party.Node.Import(block);
            Assert.Equal(block.Number, party.Node.PrivateHead.Number);
        }
        return waiting.Length;
    }

    private async Task AssertSameAsync(string contract, uint value)
    {
        foreach (var party in All) Assert.Equal(Word(value), await SlotAsync(party, contract));
        var proof = await _a.Client.CallAsync("eth_getProof", $"[\"{contract}\",[],\"latest\"]");
        foreach (var party in All)
            Assert.Equal(proof.GetProperty("storageHash").GetString(),
                (await party.Client.CallAsync("eth_getProof", $"[\"{contract}\",[],\"latest\"]")).GetProperty("storageHash").GetString());
    }

    private static async Task<string> StatusAsync(Party party, string management) =>
        (await party.Client.CallAsync("quorumExtension_getExtensionStatus", $"[\"{management}\"]")).GetString()!;

    private static async Task<List<string>> ActiveAsync(Party party) =>
        [.. (await party.Client.CallAsync("quorumExtension_activeExtensionContracts")).EnumerateArray()
            .Select(e => e.GetProperty("managementContractAddress").GetString()!)];

    private static string Word(uint value) => Hex.ToHex(((UInt256)value).ToBigEndian());

    private static async Task<string?> SlotAsync(Party party, string contract) =>
        (await party.Client.CallAsync("eth_getStorageAt", $"[\"{contract}\",\"0x0\",\"latest\"]")).GetString();

    private static async Task<string> SendAsync(Party party, int flag, string? to, string data, params Party[] others) =>
        (await party.Client.CallAsync("eth_sendTransaction", Arguments(party, flag, to, data, others))).GetString()!;

    private static string Arguments(Party party, int flag, string? to, string data, params Party[] others)
    {
        var arguments = party.From(others);
        arguments["data"] = data;
        arguments["gas"] = "0x47b760";
        arguments["privacyFlag"] = flag;
        if (to is not null) arguments["to"] = to;
        if (flag == 2) arguments["mandatoryFor"] = new[] { others[0].Node.Manager.Key };
        return JsonSerializer.Serialize(new object[] { arguments });
    }

    private sealed class Party : IAsyncDisposable
    {
        public Party(byte number)
        {
            var key = Keccak.Hash([number]).ToArray();
            Account = Secp256k1.AddressOf(Secp256k1.PublicKey(key));
            Node = new FakeNode(Genesis, CompatibilityProfile.V24, key)
            {
                Manager = new FakeManager { Key = Convert.ToBase64String(Enumerable.Repeat(number, 32).ToArray()) },
            };
            Client = new RpcClient(Node);
        }

        public Address Account { get; }

        public FakeNode Node { get; }

        public RpcClient Client { get; private set; }

        private static GenesisFile Genesis => GenesisFile.Parse("""
            { "alloc": {}, "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0,
              "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0, "istanbulBlock": 0, "isQuorum": true,
              "privacyEnhancementsBlock": 0 }, "difficulty": "0x0", "gasLimit": "0xE0000000" }
            """);

        public Dictionary<string, object> From(params Party[] others) => new()
        {
            ["from"] = Account.ToString(),
            ["privateFor"] = others.Select(o => o.Node.Manager.Key).ToArray(),
        };

        public async Task RestartAsync()
        {
            await Client.DisposeAsync();
            Client = new RpcClient(Node);
        }

        public async ValueTask DisposeAsync()
        {
            await Client.DisposeAsync();
            Node.Dispose();
        }
    }
}
