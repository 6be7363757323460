using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Node.Runtime.Sync;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

public sealed class ChainSynchroniserTests
{
    private const ulong Height = 230; // more than one request of headers
    private static readonly byte[] Key = TestChain.Key(1);
    private static readonly SoloNode Source = NewSource();
    private readonly NodeStores _own = TestChain.Open(new MemoryKeyValueStore());
    private readonly ChainImporter _importer;
    private readonly FakePeers _peers = new(Source.Stores);
    private NodeInput.SyncFailed? _failed;

    public ChainSynchroniserTests() => _importer = new ChainImporter(_own);

    [Fact]
    public async Task Fetches_everything_up_to_the_target()
    {
        await RunAsync(HashAt(Height));
        Assert.Equal(HashAt(Height), _importer.Head.Hash);
    }

    [Fact]
    public async Task Stops_at_a_target_below_the_peers_head()
    {
        await RunAsync(HashAt(100));
        Assert.Equal(100ul, _importer.Head.Number);
    }

    [Fact]
    public async Task A_peer_without_the_target_is_passed_over()
    {
        _peers.Names.Insert(0, "behind");
        _peers.ChangeHeaders = (peer, headers) => peer == "behind" ? [] : headers;
        await RunAsync(HashAt(Height));
        Assert.Equal(1, _peers.Asked.Count(p => p == "behind"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Headers_that_do_not_lead_to_the_target_are_not_taken(int kind)
    {
        _peers.Names.Insert(0, "liar");
        _peers.ChangeHeaders = (peer, headers) => peer != "liar" || headers.Count < 2 ? headers : kind switch
        {
            0 => [.. headers.Select((raw, i) => i == 1 ? Changed(raw) : raw)],
            1 => [.. headers.Skip(1)],
            2 => [[0xc0], .. headers],
            _ => [.. headers, .. headers],
        };
        await RunAsync(HashAt(Height));
        Assert.Equal(HashAt(Height), _importer.Head.Hash);
        Assert.Null(_failed);
    }

    [Fact]
    public async Task A_whole_other_chain_is_never_executed()
    {
        // Valid blocks on our genesis, of another history than the target's.
        var fork = new SoloNode();
        for (var nonce = 0ul; nonce < 5; nonce++) fork.Mine(TestChain.Public(TestChain.Key(2), nonce));
        _peers.Names.Insert(0, "fork");
        _peers.ChangeHeaders = (peer, headers) =>
            peer == "fork" && headers.Count > 1 && BlockHeader.Decode(headers[0]).Number == 1
                ? [.. Enumerable.Range(1, 5).Select(n => ChainStore.GetHeader(fork.Store, (ulong)n)!.Encode())] : headers;
        await RunAsync(HashAt(Height));
        Assert.Equal(HashAt(Height), _importer.Head.Hash);
        Assert.Null(_failed);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Bodies_that_do_not_fit_are_asked_of_another_peer(int kind)
    {
        _peers.Names.Insert(0, "liar");
        _peers.ChangeBodies = (peer, bodies) => peer != "liar" ? bodies : kind switch
        {
            0 => [],
            1 => [.. bodies.Skip(1)],
            2 => [.. bodies.Select(_ => new byte[] { 0xc2, 0xc0, 0xc0 })],
            _ => [.. bodies.Select(_ => new byte[] { 0x01 })],
        };
        await RunAsync(HashAt(Height));
        Assert.Equal(HashAt(Height), _importer.Head.Hash);
        Assert.Null(_failed);
    }

    [Fact]
    public async Task Short_answers_are_taken_as_far_as_they_go()
    {
        _peers.ChangeBodies = (_, bodies) => [.. bodies.Take(7)];
        _peers.ChangeHeaders = (_, headers) => [.. headers.Take(50)];
        await RunAsync(HashAt(Height));
        Assert.Equal(HashAt(Height), _importer.Head.Hash);
    }

    [Fact]
    public async Task More_bodies_than_asked_are_left_aside()
    {
        _peers.ChangeBodies = (_, bodies) => [.. bodies, .. bodies];
        await RunAsync(HashAt(Height));
        Assert.Equal(HashAt(Height), _importer.Head.Hash);
    }

    [Fact]
    public async Task A_peer_that_goes_away_in_the_middle_leaves_what_was_imported()
    {
        _peers.Names.Insert(0, "leaving");
        var served = 0;
        _peers.ChangeBodies = (peer, bodies) => peer == "leaving" && ++served > 1 ? throw new PeerRequestException("gone") : bodies;
        await RunAsync(HashAt(Height));
        Assert.Equal(HashAt(Height), _importer.Head.Hash);
    }

    [Theory]
    [InlineData("headers")]
    [InlineData("bodies")]
    public async Task A_peer_that_stops_answering_is_left_for_another_and_asked_last_from_then_on(string what)
    {
        _peers.Names.Insert(0, "silent");
        var asked = 0;
        var isSilent = false;
        _peers.ChangeHeaders = (peer, headers) =>
        {
            if (peer == "silent" && what == "headers" && ++asked > 1) isSilent = true;
            return headers;
        };
        _peers.ChangeBodies = (peer, bodies) =>
        {
            if (peer == "silent") isSilent = true;
            return bodies;
        };
        _peers.Delay = peer => peer == "silent" && isSilent ? Timeout.InfiniteTimeSpan : TimeSpan.Zero;
        await RunAsync(HashAt(Height));
        Assert.Equal(HashAt(Height), _importer.Head.Hash);
        lock (_peers.Asked) Assert.InRange(_peers.Asked.Count(p => p == "silent"), 2, 6);
    }

    /// <summary>Of the only peer there is: what did not come in time would be asked for again, and nothing else.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task After_a_time_out_half_as_many_bodies_are_asked_for(bool isCancelled)
    {
        var asked = new List<int>();
        _peers.ChangeBodies = (_, bodies) =>
        {
            asked.Add(bodies.Count);
            return bodies.Count <= 8 ? bodies : throw (isCancelled ? new OperationCanceledException() : new TimeoutException());
        };
        await RunAsync(HashAt(Height));
        Assert.Equal(HashAt(Height), _importer.Head.Hash);
        Assert.Equal([1, 2, 4, 8, 16, 8], asked.Take(6));
    }

    [Fact]
    public async Task A_peer_that_gives_nothing_at_once_is_not_asked_for_more()
    {
        var asked = new List<int>();
        _peers.ChangeBodies = (_, bodies) =>
        {
            asked.Add(bodies.Count);
            return asked.Count <= 3 ? [] : bodies;
        };
        await RunAsync(HashAt(Height));
        Assert.Equal([1, 1, 1, 1, 2], asked.Take(5));
    }

    [Fact]
    public async Task A_target_beside_our_own_chain_is_told_to_the_loop()
    {
        await new ChainSynchroniser(_peers, Post, TimeProvider.System)
            .RunAsync(new BlockPointer(50, Keccak.Hash([1])), HashAt(40), CancellationToken.None).WaitAsync(TimeSpan.FromMinutes(2));
        Assert.Contains("another chain", _failed!.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Ends_when_cancelled_while_no_peer_is_there()
    {
        _peers.Names.Clear();
        using var stop = new CancellationTokenSource();
        var running = new ChainSynchroniser(_peers, Post, TimeProvider.System)
            .RunAsync(new BlockPointer(0, default), HashAt(1), stop.Token);
        Assert.False(running.IsCompleted);
        await stop.CancelAsync();
        await running.WaitAsync(TimeSpan.FromMinutes(2)).ContinueWith(static _ => { }, TaskScheduler.Default);
        Assert.True(running.IsCompleted);
    }

    private Task RunAsync(Hash256 target) =>
        new ChainSynchroniser(_peers, Post, TimeProvider.System).RunAsync(new BlockPointer(0, HashAt(0)), target, CancellationToken.None)
        .WaitAsync(TimeSpan.FromMinutes(2));

    private bool Post(NodeInput input)
    {
        if (input is NodeInput.SyncFailed failed)
        {
            _failed = failed;
            return true;
        }
        var synced = Assert.IsType<NodeInput.SyncedBlocks>(input);
        try
        {
            foreach (var block in synced.Blocks) _importer.Import(block);
            synced.Done.Set(default);
        }
        catch (NodeHaltedException e)
        {
            synced.Done.Refuse(e);
        }
        return true;
    }

    private static byte[] Changed(byte[] raw)
    {
        var header = BlockHeader.Decode(raw);
        return (header with { Time = header.Time + 1 }).Encode();
    }

    private static Hash256 HashAt(ulong number) => ChainStore.GetCanonicalHash(Source.Store, number)!.Value;

    private static SoloNode NewSource()
    {
        var node = new SoloNode();
        for (var nonce = 0ul; nonce < Height; nonce++) node.Mine(TestChain.Public(Key, nonce));
        return node;
    }
}
