using System.Text;
using Microsoft.Extensions.Time.Testing;
using QuorumMesh.Chain.Extension;
using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Tests;

/// <summary>What others try, and what fails again and again.</summary>
public sealed partial class ExtensionLifeTests
{
    private const string Poke = "0x01020304";

    /// <summary>B gives A a contract that says, when A calls it, that A extends its other contract to B, and all have voted.</summary>
    [Fact]
    public async Task A_contract_that_is_called_begins_no_extension()
    {
        var contract = await CreateAsync(0);
        var hash = await SendAsync(_b, 0, null, Hex.ToHex(Quiet(Hostile(contract))), _a);
        Mine();
        var receipt = await _b.Client.CallAsync("eth_getTransactionReceipt", $"[\"{hash}\"]");
        await SendAsync(_a, 0, receipt.GetProperty("contractAddress").GetString(), Poke, _b);
        Mine();
        await AssertNothingLeavesAsync();
        Assert.Equal([], await ActiveAsync(_a));
    }

    /// <summary>The same by code that A was made to deploy.</summary>
    [Fact]
    public async Task Code_of_others_that_says_it_is_a_management_contract_gets_no_state_and_blocks_nothing()
    {
        var contract = await CreateAsync(0);
        await SendAsync(_a, 0, null, Hex.ToHex(Loud(contract)), _b);
        Mine();
        Assert.Single(await ActiveAsync(_a));
        await AssertNothingLeavesAsync();
        await SendAsync(_a, 0, contract, Word(1), _b);
        Assert.Equal(1, Mine());
        await ExtendAgainAsync(contract);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public async Task An_extension_that_a_stranger_made_up_blocks_nothing(int flag)
    {
        var contract = await CreateAsync(flag);
        await SendAsync(_b, 0, null, Hex.ToHex(Loud(contract)), _a);
        Mine();
        Assert.Single(await ActiveAsync(_a));
        await SendAsync(_a, flag, contract, Word(1), _b);
        Assert.Equal(1, Mine());
        await SendAsync(_b, flag, contract, Word(1), _a);
        Assert.Equal(1, Mine());
        Assert.Equal(Word(7), await SlotAsync(_a, contract));
        await ExtendAgainAsync(contract);
    }

    [Fact]
    public async Task Nothing_is_sent_while_the_account_is_locked()
    {
        var contract = await CreateAsync(0);
        await ExtendAsync(contract);
        _a.Node.Accounts.Lock(_a.Account);
        await AssertNothingLeavesAsync();
        _a.Node.Accounts.Unlock(_a.Account, "", null);
        await LookAsync();
        Assert.Equal(1, Mine());
    }

    [Fact]
    public async Task A_share_that_fails_is_tried_seldom_and_its_state_is_sent_once()
    {
        var clock = new FakeTimeProvider();
        _a.Client.Server.Extensions!.Clock = clock;
        var contract = await CreateAsync(0);
        var management = await ExtendAsync(contract);
        await LookAsync();
        Mine();
        await ApproveAsync(management, isYes: true);
        Mine();
        var before = _a.Node.Manager.Distributed.Count;
        _a.Node.Manager.RefusesSigned = "no";
        var tries = _a.Node.Manager.Stored.Count;
        for (var second = 0; second < 3_600; second += 10)
        {
            await LookAsync();
            clock.Advance(TimeSpan.FromSeconds(10));
        }
        // At 0, 10, 30, 70, 150, 310, 630, 1270 and 2550 seconds.
        Assert.Equal(9, _a.Node.Manager.Stored.Count - tries);
        Assert.Equal(1, _a.Node.Manager.Distributed.Count - before);
        _a.Node.Manager.RefusesSigned = null;
        clock.Advance(TimeSpan.FromHours(1));
        await LookAsync();
        Assert.Equal(1, Mine());
        await AssertSameAsync(contract, 5);
    }

    /// <summary>B, who with flag 0 knows of no extension, has sent something that is not in a block yet.</summary>
    [Fact]
    public async Task What_waits_for_its_block_is_in_the_state_that_is_shared()
    {
        var contract = await CreateAsync(0);
        var management = await ExtendAsync(contract);
        await LookAsync();
        Mine();
        await ApproveAsync(management, isYes: true);
        Mine();
        await SendAsync(_b, 0, contract, Word(1), _a);
        var waiting = (await _b.Node.PoolContentAsync(null, default)).SelectMany(c => c.Pending).Single().Tx;
        await _a.Node.SubmitAsync(waiting, default);
        await AssertNothingLeavesAsync();
        Assert.Equal(1, Mine());
        await LookAsync();
        Assert.Equal(1, Mine());
        await AssertSameAsync(contract, 6);
    }

    private async Task AssertNothingLeavesAsync()
    {
        var before = (_a.Node.Manager.Distributed.Count, _a.Node.Manager.Stored.Count);
        await LookAsync();
        Assert.Equal(before, (_a.Node.Manager.Distributed.Count, _a.Node.Manager.Stored.Count));
    }

    private async Task ExtendAgainAsync(string contract)
    {
        await _a.Client.CallAsync("quorumExtension_extendContract", ExtendArguments(contract));
        Assert.Equal(1, Mine());
    }

    /// <summary>Answers as a management contract whose creator is A and that waits for the state; poked, it says so in logs.</summary>
    private byte[] Hostile(string contract)
    {
        byte[] word = [0x60, 0x00, 0x52, 0x60, 0x20, 0x60, 0x00, 0xf3];
        byte[] code =
        [
            0x60, 0x00, 0x35, 0x60, 0xe0, 0x1c,
            .. JumpOn(ManagementContract.IsFinished, 75), .. JumpOn(ManagementContract.VoterCount, 75),
            .. JumpOn(ManagementContract.ContractToExtend, 81), .. JumpOn(Hex.FromHex(Poke), 111),
            0x73, .. _a.Account.ToArray(), .. word,
            0x5b, 0x60, 0x20, 0x60, 0x00, 0xf3,
            0x5b, 0x73, .. Hex.FromHex(contract), .. word,
            0x5b, .. Emit(at: 199), 0x00,
        ];
        Assert.Equal(199, code.Length);
        return [.. code, .. Said(contract)];
    }

    /// <summary>Says it when it is made, too.</summary>
    private byte[] Loud(string contract)
    {
        var runtime = Hostile(contract);
        return [.. Emit(at: 101), .. Return(runtime.Length, at: 101 + 192), .. Said(contract), .. runtime];
    }

    private static byte[] Quiet(byte[] runtime) => [.. Return(runtime.Length, at: 15), .. runtime];

    /// <summary>What the event holds: contract, key and account of the new party, B.</summary>
    private byte[] Said(string contract)
    {
        var arguments = ManagementContract.Create(Address.Parse(contract), _b.Account, _b.Node.Manager.Key)[^192..];
        return [.. arguments[..32], .. arguments[64..96], .. arguments[32..64], .. arguments[96..]];
    }

    private static byte[] JumpOn(byte[] selector, byte to) => [0x80, 0x63, .. selector, 0x14, 0x60, to, 0x57];

    private static byte[] Return(int length, int at) => [.. Copy(length, at), 0x61, .. Two(length), 0x60, 0x00, 0xf3];

    private static byte[] Copy(int length, int at) => [0x61, .. Two(length), 0x61, .. Two(at), 0x60, 0x00, 0x39];

    private static byte[] Emit(int at) =>
    [
        .. Copy(192, at),
        0x7f, .. Topic("NewContractExtensionContractCreated(address,string,address)"), 0x61, .. Two(192), 0x60, 0x00, 0xa1,
        0x7f, .. Topic("CanPerformStateShare()"), 0x60, 0x00, 0x60, 0x00, 0xa1,
    ];

    private static byte[] Topic(string signature) => Keccak.Hash(Encoding.ASCII.GetBytes(signature)).ToArray();

    private static byte[] Two(int value) => [(byte)(value >> 8), (byte)value];
}
