using System.Diagnostics;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime.Sync;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>The follower alone, with peers that say what a test wants, and an importer in the writer loop's place.</summary>
public sealed class ChainFollowerTests : IDisposable
{
    private const ulong Height = 450; // three requests of headers

    private static readonly IbftTestChain Source = NewSource(Height);
    private readonly NodeStores _own = IbftTestChain.Open(new MemoryKeyValueStore());
    private readonly ChainImporter _importer;
    private readonly FakePeers _peers = new(Source.Stores) { TotalDifficulty = 1 };
    private readonly List<string?> _told = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly ChainFollower _follower;
    private Task _running = Task.CompletedTask;

    public ChainFollowerTests()
    {
        _importer = new ChainImporter(_own);
        _follower = new ChainFollower(_peers, _own, Post, TimeProvider.System);
    }

    public void Dispose()
    {
        _stop.Cancel();
        Assert.True(_running.Wait(TimeSpan.FromMinutes(1)));
        _stop.Dispose();
    }

    [Fact]
    public async Task Everything_that_a_peer_with_more_difficulty_has_is_imported_and_the_head_told_on()
    {
        _peers.TotalDifficulty = Height + 1;
        Run();
        await HeadAsync(Height);
        await Until(() => Announced(Source.Head.Hash), "announced");
        Assert.Single(_peers.Announced);
        Assert.Empty(_peers.Banned);
        await Until(() => _follower.Progress is null, "no progress any more");
    }

    [Fact]
    public async Task Nothing_is_asked_while_nobody_is_ahead()
    {
        Run();
        await Task.Delay(300);
        Assert.Empty(_peers.Asked);
    }

    [Fact]
    public async Task An_announced_block_that_is_not_the_next_one_brings_all_up_to_it()
    {
        Run();
        _follower.OnAnnounced("only", [(Source.Head.Hash, Height)]);
        await HeadAsync(Height);
    }

    [Fact]
    public async Task A_height_that_consensus_heard_of_makes_peers_be_asked()
    {
        Run();
        _follower.Seek(Height);
        await HeadAsync(Height);
        Assert.Empty(_peers.Banned);
    }

    [Fact]
    public async Task A_new_block_on_the_head_is_imported_without_a_request_and_passed_on()
    {
        Run();
        var block = Source.BlockAt(1);
        Assert.Equal(block.Hash, _follower.OnNewBlock("only", block.Encode()));
        await HeadAsync(1);
        await Until(() => Announced(block.Hash), "passed on");
    }

    [Fact]
    public async Task A_new_block_far_ahead_brings_what_is_between()
    {
        Run();
        Assert.Equal(Source.Head.Hash, _follower.OnNewBlock("only", Source.BlockAt(Height).Encode()));
        await HeadAsync(Height);
    }

    [Theory]
    [InlineData(0, "zero committed seals")]
    [InlineData(1, "not valid")]
    [InlineData(2, "no chain")]
    [InlineData(3, "fit no header")]
    public async Task A_liar_is_banned_with_the_reason_and_the_next_peer_asked(int kind, string reason)
    {
        _peers.Names.Insert(0, "liar");
        _peers.ChangeHeaders = (peer, headers) => peer != "liar" || headers.Count < 2 ? headers : kind switch
        {
            0 => [.. headers.Select((raw, i) => i == 5 ? WithoutSeals(raw) : raw)],
            1 => Forged(headers),
            2 => [.. headers.Take(3), .. headers.Skip(4)],
            _ => headers,
        };
        _peers.ChangeBodies = (peer, bodies) =>
            peer == "liar" && kind == 3 ? [.. bodies.Select(_ => Source.BlockAt(Height).EncodeBody())] : bodies;
        _follower.OnAnnounced("liar", [(Source.Head.Hash, Height)]);
        Run();
        if (kind != 3) await Until(() => Banned().Count > 0, "banned");
        _peers.TotalDifficulty = Height + 1;
        await HeadAsync(Height);
        await Until(() => Banned().Count == 1, "banned");
        var (nodeId, why) = Banned().Single();
        Assert.Equal("liar", nodeId);
        Assert.Contains(reason, why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_peer_on_another_chain_is_told_of_with_the_block_where_it_parts_and_never_followed()
    {
        for (var number = 1ul; number <= 20; number++) _importer.Import(Source.BlockAt(number));
        var fork = new IbftTestChain();
        for (var number = 1ul; number < 13; number++) fork.Add(Source.BlockAt(number));
        while (fork.Head.Number < 40) fork.Mine(vanity: 9);
        _peers.ChangeHeaders = (_, headers) =>
            [.. headers.Select(raw => fork.HeaderAt(BlockHeader.Decode(raw).Number)?.Encode()).OfType<byte[]>()];
        _peers.TotalDifficulty = 41;
        Run();
        await Until(() => Banned().Count > 0, "banned");
        Assert.Contains("another block 20", Banned().Single().Reason, StringComparison.Ordinal);
        Assert.Contains("part at block 13", Banned().Single().Reason, StringComparison.Ordinal);
        Assert.Equal(20ul, _importer.Head.Number);
    }

    [Fact]
    public async Task A_peer_that_claims_more_than_it_gives_is_banned_in_the_end()
    {
        _peers.TotalDifficulty = 1_000_000;
        _peers.ChangeHeaders = static (_, headers) => [.. headers.Take(1)];
        Run();
        await Until(() => Banned().Count > 0, "banned", seconds: 120);
        Assert.Contains("claims to have", Banned().Single().Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_block_that_does_not_come_out_here_is_told_and_costs_no_peer()
    {
        var wrong = new IbftTestChain();
        var block = wrong.Mine();
        var changed = block with { Header = IbftTestChain.Seal(block.Header with { StateRoot = Keccak.Hash([1]) }) };
        _peers.ChangeHeaders = (_, headers) => headers.Count > 1 ? [headers[0], changed.Header.Encode()] : headers;
        _peers.TotalDifficulty = 2;
        Run();
        await Until(() => Told().Count > 0, "told");
        Assert.Contains("state root", Told()[0], StringComparison.Ordinal);
        Assert.Empty(_peers.Banned);
    }

    [Fact]
    public async Task Bodies_come_from_several_peers_and_short_answers_are_taken_as_far_as_they_go()
    {
        _peers.Names.Add("second");
        _peers.ChangeBodies = static (_, bodies) => [.. bodies.Take(5)];
        _peers.TotalDifficulty = Height + 1;
        Run();
        await HeadAsync(Height);
        lock (_peers.Asked) Assert.Contains("second", _peers.Asked);
    }

    [Fact]
    public async Task It_goes_on_where_the_store_stands()
    {
        for (var number = 1ul; number <= 100; number++) _importer.Import(Source.BlockAt(number));
        _peers.TotalDifficulty = Height + 1;
        Run();
        await HeadAsync(Height);
        Assert.Equal(350, _imported);
    }

    [Fact]
    public void What_is_no_block_is_refused() =>
        Assert.ThrowsAny<FormatException>(() => _follower.OnNewBlock("only", new byte[] { 0xc1, 0xc0 }));

    private int _imported;

    private void Run() => _running = _follower.RunAsync(_stop.Token);

    private bool Post(NodeInput input)
    {
        lock (_told)
        {
            if (input is NodeInput.FollowStands stands)
            {
                _told.Add(stands.Reason);
                return true;
            }
            var synced = Assert.IsType<NodeInput.SyncedBlocks>(input);
            try
            {
                foreach (var block in synced.Blocks)
                    if (_importer.Import(block)) _imported++;
                synced.Done.Set(default);
            }
            catch (NodeHaltedException e)
            {
                synced.Done.Refuse(e);
            }
            return true;
        }
    }

    private Task HeadAsync(ulong number) => Until(
        () => IbftTestChain.HeadOf(_own) == Source.BlockAt(number).Hash, $"head {number}, at {ChainStore.GetPublicHead(_own.KeyValues)}");

    private List<string?> Told()
    {
        lock (_told) return [.. _told];
    }

    private List<(string NodeId, string Reason)> Banned()
    {
        lock (_peers.Names) return [.. _peers.Banned];
    }

    private bool Announced(Hash256 hash)
    {
        lock (_peers.Announced) return _peers.Announced.Contains(hash);
    }

    private static async Task Until(Func<bool> condition, string what, int seconds = 60)
    {
        var watch = Stopwatch.StartNew();
        while (!condition())
        {
            Assert.True(watch.Elapsed.TotalSeconds < seconds, $"Not within {seconds} s: {what}");
            await Task.Delay(10);
        }
    }

    private static byte[] WithoutSeals(byte[] raw) => IbftTestChain.WithSeals(BlockHeader.Decode(raw)).Encode();

    /// <summary>A linked chain that nobody has sealed.</summary>
    private static List<byte[]> Forged(IReadOnlyList<byte[]> headers)
    {
        var (forged, parent) = (new List<byte[]> { headers[0] }, BlockHeader.Decode(headers[0]).Hash);
        foreach (var raw in headers.Skip(1))
        {
            var header = BlockHeader.Decode(raw) with { ParentHash = parent, GasLimit = 5 };
            parent = header.Hash;
            forged.Add(header.Encode());
        }
        return forged;
    }

    private static IbftTestChain NewSource(ulong height)
    {
        var (chain, key, nonce) = (new IbftTestChain(), TestChain.Key(9), 0ul);
        for (var number = 1ul; number <= height; number++)
            chain.Mine(transactions: number % 3 == 0 ? [TestChain.Public(key, nonce++)] : []);
        return chain;
    }
}
