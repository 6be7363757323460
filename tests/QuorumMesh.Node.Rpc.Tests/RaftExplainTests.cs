using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Health;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Node.Runtime.Raft;

namespace QuorumMesh.Node.Rpc.Tests;

public sealed class RaftExplainTests
{
    private static readonly RaftExplanation Core = new()
    {
        Id = 1,
        Term = 3,
        Role = RaftRole.Leader,
        Leader = 1,
        Quorum = 2,
        HasQuorum = true,
        LastIndex = 20,
        Committed = 19,
        Applied = 18,
        OwesEntries = false,
        TransferTarget = 0,
        IsPreVoteOn = false,
        Members =
        [
            new RaftMemberExplanation(1, IsLearner: false, HasAnnounced: true, null),
            new RaftMemberExplanation(2, IsLearner: false, HasAnnounced: false, new RaftSentExplanation(17, 18, "probe", 1, true, 2)),
        ],
    };

    private static readonly RaftFacts Facts = new()
    {
        Report = new RaftReport
        {
            Core = Core,
            Heard = new Dictionary<ulong, RaftHeard> { [2] = new(40, "AppResp") },
            Pending = 0,
            Proposed = 1,
            IsPipelineFull = false,
            NextMintMs = null,
            IsWaitingForBlocks = false,
            FlushTime = TimeSpan.FromMilliseconds(3.25),
        },
        View = new RaftView(1, RaftRole.Leader, [], [Address(1), Address(2)]),
        OwnId = 1,
        Links = new Dictionary<ulong, RaftMemberLink>
        {
            [2] = new(1, true, new RaftProbe(TimeSpan.FromMilliseconds(2), TimeSpan.FromMilliseconds(-7))),
        },
        Busy = TimeSpan.Zero,
        Progress = new NodeProgress(0, 11),
        Private = new PrivateHeadStatus(8, null, null),
        Head = 9,
    };

    [Fact]
    public async Task The_answer_has_a_verdict_what_to_do_and_every_member()
    {
        using var node = NewNode(_ => Task.FromResult(Facts));
        await using var client = new RpcClient(node);
        var said = await client.CallAsync("raft_explain");
        Assert.StartsWith("no transaction waits", said.GetProperty("verdict").GetString(), StringComparison.Ordinal);
        Assert.NotEmpty(said.GetProperty("advice").GetString()!);
        Assert.Equal(said.GetProperty("verdict").GetString(), said.GetProperty("reasons")[0].GetString());
        Assert.True(said.GetProperty("reasons").GetArrayLength() > 1);
        Assert.Equal(("leader", 3, 1, 2, true), (said.GetProperty("state").GetString(), Number(said, "term"), Number(said, "leader"),
            Number(said, "quorum"), said.GetProperty("hasQuorum").GetBoolean()));
        Assert.Equal((20, 19, 18, 3.2), (Number(said, "lastIndex"), Number(said, "committed"), Number(said, "applied"),
            said.GetProperty("flushMs").GetDouble()));
        Assert.Equal(JsonValueKind.Null, said.GetProperty("nextBlockInMs").ValueKind);

        var own = said.GetProperty("members")[0];
        Assert.Equal(("minter", true), (own.GetProperty("role").GetString(), own.GetProperty("self").GetBoolean()));
        Assert.False(own.TryGetProperty("match", out _));
        var other = said.GetProperty("members")[1];
        Assert.Equal(("verifier", 17, 18, "probe"), (other.GetProperty("role").GetString(), Number(other, "match"), Number(other, "next"),
            other.GetProperty("progress").GetString()));
        Assert.Equal((40, "AppResp", 1, 2, -7), (Number(other, "heardMsAgo"), other.GetProperty("lastMessage").GetString(),
            Number(other, "streams"), Number(other, "roundTripMs"), Number(other, "clockDifferenceMs")));
        Assert.Equal(0, other.GetProperty("abilities").GetArrayLength());
    }

    [Fact]
    public async Task A_busy_loop_is_explained_by_what_is_known_without_it()
    {
        using var node = NewNode(_ => Task.FromResult(Facts with { Report = null, Busy = TimeSpan.FromSeconds(9) }));
        await using var client = new RpcClient(node);
        var said = await client.CallAsync("raft_explain");
        Assert.Contains("busy with one batch for 9.0 s", said.GetProperty("verdict").GetString(), StringComparison.Ordinal);
        Assert.False(said.TryGetProperty("term", out _));
        Assert.Equal(2, said.GetProperty("members").GetArrayLength());
    }

    [Fact]
    public async Task Leadership_goes_to_whom_is_named_or_to_anybody_and_a_refusal_is_told()
    {
        var asked = new List<ulong?>();
        using var node = NewNode(_ => Task.FromResult(Facts), (target, _) =>
        {
            asked.Add(target);
            return target == 9 ? throw new RaftMembershipException("raft id 9 is no member") : Task.FromResult(target ?? 2);
        });
        await using var client = new RpcClient(node);
        Assert.Equal(2, (await client.CallAsync("raft_transferLeadership")).GetInt32());
        Assert.Equal(3, (await client.CallAsync("raft_transferLeadership", "[3]")).GetInt32());
        Assert.Equal("raft id 9 is no member", (await client.FailAsync("raft_transferLeadership", "[9]")).Message);
        Assert.Equal(-32602, (await client.FailAsync("raft_transferLeadership", "[70000]")).Code);
        Assert.Equal([null, 3ul, 9ul], asked);
    }

    private static int Number(JsonElement from, string name) => from.GetProperty(name).GetInt32();

    private static RaftAddress Address(int id) => new((ulong)id, new byte[64], "127.0.0.1", 30_300 + id, 50_400 + id);

    private static FakeNode NewNode(Func<CancellationToken, Task<RaftFacts>> facts,
        Func<ulong?, CancellationToken, Task<ulong>>? transfer = null)
    {
        var genesis = GenesisFile.Parse("""
            { "alloc": { }, "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0,
              "byzantiumBlock": 0, "isQuorum": true }, "difficulty": "0x0", "gasLimit": "0xE0000000" }
            """);
        var raft = new RaftNode(facts, transfer ?? ((_, _) => Task.FromResult(1ul)));
        return new FakeNode(genesis, CompatibilityProfile.V24) { RaftNode = raft };
    }
}
