using QuorumMesh.Chain.Genesis;
using QuorumMesh.Node.Network.Eth;
using QuorumMesh.Node.Network.Peers;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Tests;

/// <summary>What a peer has sent is passed on by hash between nodes that are both ours.</summary>
public class RelayTests
{
    private static readonly IReadOnlyList<SubProtocol> Ours = SubProtocol.OfEngine(EngineKind.Raft);
    private static readonly IReadOnlyList<SubProtocol> Theirs = [SubProtocol.Eth63, SubProtocol.Eth65, SubProtocol.Eth66];
    private static readonly byte[] First = TestNode.RlpList(100, 1);
    private static readonly byte[] Second = [0x02, .. TestNode.RlpList(60, 2)];

    [Fact]
    public async Task One_of_ours_asks_for_what_it_lacks_and_for_nothing_that_it_has()
    {
        await using var a = new TestNode(protocols: Ours);
        await using var b = new TestNode(protocols: Ours);
        await TestNode.Connect(a, b);
        Assert.Contains("qmesh/1", a.Server.Peers.Single().Caps);
        b.Seen.Add(Keccak.Hash(First));
        a.Server.RelayTransactions([First, Second]);
        await TestNode.Until(() => !b.Transactions.IsEmpty, "the one that b lacks");
        // What it told that it had, and what it was told of, is not sent again; told anew for good reason it comes whole.
        a.Server.BroadcastTransactions([First, Second], null);
        a.Server.BroadcastTransactions([First], null, resend: true);
        await TestNode.Until(() => b.Transactions.Count == 2, "the one sent again");
        Assert.Equal([Second, First], b.Transactions.Select(raw => raw.ToArray()));
    }

    [Fact]
    public async Task What_a_peer_announces_is_not_announced_to_it()
    {
        await using var a = new TestNode(protocols: Ours);
        await using var b = new TestNode(protocols: Ours);
        await TestNode.Connect(a, b);
        foreach (var node in new[] { a, b })
            node.Seen.Add(Keccak.Hash(First));
        a.Server.RelayTransactions([First]);
        a.Server.RelayTransactions([Second]);
        await TestNode.Until(() => !b.Transactions.IsEmpty, "the second one");
        // b knows by now that a has both: only what is new goes back.
        a.Seen.Clear();
        var third = TestNode.RlpList(10, 3);
        b.Server.RelayTransactions([First, Second, third]);
        await TestNode.Until(() => !a.Transactions.IsEmpty, "the new one");
        Assert.Equal(third, Assert.Single(a.Transactions).ToArray());
    }

    /// <summary>Each transaction crosses a link once, whichever way it went.</summary>
    [Fact]
    public async Task Nobody_is_sent_what_he_has_sent_or_announced()
    {
        await using var a = new TestNode(protocols: Ours);
        await using var b = new TestNode(protocols: Ours);
        await TestNode.Connect(a, b);
        a.Server.BroadcastTransactions([First], null); // whole
        await TestNode.Until(() => b.Transactions.Count == 1, "the one sent");
        a.Server.RelayTransactions([Second]); // by its hash, and then asked for
        await TestNode.Until(() => b.Transactions.Count == 2, "the one announced");
        b.Server.RelayTransactions([First, Second]);
        b.Server.BroadcastTransactions([First, Second], null);
        // What is new comes behind them on the same connection.
        var third = TestNode.RlpList(10, 3);
        b.Server.BroadcastTransactions([third], null);
        await TestNode.Until(() => !a.Transactions.IsEmpty, "the new one");
        Assert.Equal(third, Assert.Single(a.Transactions).ToArray());
    }

    [Fact]
    public async Task Raft_is_told_what_is_here_and_what_a_connected_node_has()
    {
        await using var a = new TestNode(protocols: Ours);
        await using var b = new TestNode(protocols: Ours);
        Hash256[] hashes = [Keccak.Hash(First), Keccak.Hash(Second)];
        Assert.Null(a.Server.ForRaft.HeldBy(b.Id));
        await TestNode.Connect(a, b);
        Assert.Equal([false, false], hashes.Select(hash => a.Server.ForRaft.HeldBy(b.Id)!(hash)));
        a.Server.BroadcastTransactions([First], null);
        b.Server.RelayTransactions([Second]);
        await TestNode.Until(() => !a.Transactions.IsEmpty && !b.Transactions.IsEmpty, "one each way");
        foreach (var (node, other) in new[] { (a, b), (b, a) })
        {
            Assert.Equal([true, true], hashes.Select(hash => node.Server.ForRaft.HeldBy(other.Id)!(hash)));
            var found = node.Server.ForRaft.Find([Keccak.Hash("nobody's"u8), .. hashes]);
            Assert.Equal([[], First, Second], found.Select(raw => raw.ToArray()));
        }
        await b.Server.DisposeAsync();
        await TestNode.Until(() => a.Server.ForRaft.HeldBy(b.Id) is null, "the end of the connection");
    }

    [Fact]
    public async Task Others_get_it_whole()
    {
        await using var a = new TestNode(protocols: Ours);
        await using var b = new TestNode(protocols: Theirs);
        await TestNode.Connect(a, b);
        Assert.Equal(66, a.Server.Peers.Single().EthVersion);
        b.Seen.Add(Keccak.Hash(First)); // an announcement of it would bring nothing
        a.Server.RelayTransactions([First]);
        await TestNode.Until(() => !b.Transactions.IsEmpty, "the transaction");
    }

    [Fact]
    public async Task Many_are_announced_and_asked_for_in_portions()
    {
        await using var a = new TestNode(protocols: Ours);
        await using var b = new TestNode(protocols: Ours);
        await TestNode.Connect(a, b);
        var all = Enumerable.Range(0, 3_000).Select(i => TestNode.RlpList(110, i)).ToList();
        foreach (var chunk in all.Chunk(500))
            a.Server.RelayTransactions([.. chunk.Select(raw => (ReadOnlyMemory<byte>)raw)]);
        await TestNode.Until(() => b.Transactions.Count >= all.Count, "3,000 transactions");
        Assert.Equal(all.Select(raw => Keccak.Hash(raw)).ToHashSet(), b.Transactions.Select(raw => Keccak.Hash(raw.Span)).ToHashSet());
        Assert.Equal(all.Count, b.Transactions.Count);
    }

    [Theory]
    [InlineData(65)]
    [InlineData(66)]
    public async Task What_an_answer_had_no_room_for_is_asked_for_again(int version)
    {
        await using var a = new TestNode(protocols: OursUpTo(version));
        await using var b = new TestNode(protocols: Ours);
        await TestNode.Connect(a, b);
        Assert.Equal(version, a.Server.Peers.Single().EthVersion);
        var all = Enumerable.Range(0, 100).Select(i => TestNode.RlpList(30_000, i)).ToList();
        a.Server.RelayTransactions([.. all.Select(raw => (ReadOnlyMemory<byte>)raw)]);
        await TestNode.Until(() => b.Transactions.Count >= all.Count, "100 transactions, 3 MB in all");
        // Each once; in order they come only where the machine was quick enough to announce them all in one message.
        Assert.Equal(all.Select(raw => Keccak.Hash(raw)).Order(), b.Transactions.Select(raw => Keccak.Hash(raw.Span)).Order());
    }

    [Theory]
    [InlineData(65)]
    [InlineData(66)]
    public async Task What_the_peer_no_longer_has_does_not_count_as_known_to_it(int version)
    {
        // One at a time is kept: the others are mostly gone when they are asked for.
        await using var a = new TestNode(protocols: OursUpTo(version), recentBytes: 1);
        await using var b = new TestNode(protocols: Ours);
        await TestNode.Connect(a, b);
        var all = Enumerable.Range(0, 600).Select(i => TestNode.RlpList(100, i)).ToList();
        a.Server.RelayTransactions([.. all.Select(raw => (ReadOnlyMemory<byte>)raw)]);
        await TestNode.Until(() => b.Transactions.Any(raw => raw.Span.SequenceEqual(all[^1])), "the last one, which is kept");
        Assert.True(b.Transactions.Count < all.Count, "some were gone");
        await TestNode.Until(() =>
        {
            b.Server.BroadcastTransactions([.. all.Select(raw => (ReadOnlyMemory<byte>)raw)], exceptNodeId: null);
            return a.Transactions.Count + b.Transactions.Count >= all.Count;
        }, "the others, from b");
        Assert.Equal(all.Select(raw => Keccak.Hash(raw)).ToHashSet(),
            a.Transactions.Concat(b.Transactions).Select(raw => Keccak.Hash(raw.Span)).ToHashSet());
    }

    [Fact]
    public async Task What_a_peer_sends_puts_out_nothing_that_this_node_has_told_of()
    {
        await using var a = new TestNode(protocols: Ours, recentBytes: 10_000);
        await using var b = new TestNode(protocols: Ours);
        await TestNode.Connect(a, b);
        a.Server.BroadcastTransactions([First], null);
        var flood = Enumerable.Range(0, 50).Select(i => (ReadOnlyMemory<byte>)TestNode.RlpList(1_000, i)).ToList();
        b.Server.BroadcastTransactions(flood, null);
        await TestNode.Until(() => a.Transactions.Count == flood.Count, "all that the peer sent");
        var found = a.Server.ForRaft.Find([Keccak.Hash(First), .. flood.Select(raw => Keccak.Hash(raw.Span))]);
        Assert.Equal(First, found[0].ToArray());
        Assert.Equal(8, found.Skip(1).Count(raw => !raw.IsEmpty));
    }

    private static IReadOnlyList<SubProtocol> OursUpTo(int version) =>
        [.. Ours.Where(protocol => protocol.Name != "eth" || protocol.Version <= version)];

    [Fact]
    public void What_is_kept_for_those_that_ask_is_bounded()
    {
        var kept = new RecentTransactions(maxBytes: 10_000);
        var all = Enumerable.Range(0, 100).Select(i => TestNode.RlpList(1_000, i)).ToList();
        foreach (var raw in all)
            kept.Add(Keccak.Hash(raw), raw);
        var found = kept.Find([.. all.Select(raw => Keccak.Hash(raw))], int.MaxValue);
        Assert.Equal(all.TakeLast(8), found.Select(raw => raw.ToArray()));
        Assert.Equal(3, kept.Find([.. all.TakeLast(8).Select(raw => Keccak.Hash(raw))], 2_500).Count);
        // Slices are copied, and bounded like the others.
        var copies = new RecentTransactions(maxBytes: 10_000);
        var message = all.SelectMany(raw => raw).ToArray();
        copies.AddCopies([.. all.Select(raw => Keccak.Hash(raw))],
            [.. all.Select((raw, i) => (ReadOnlyMemory<byte>)message.AsMemory(i * raw.Length, raw.Length))]);
        copies.AddCopies([Keccak.Hash(all[^1])], [all[^1]]);
        Array.Clear(message);
        copies.AddCopies([default], [new byte[EthLimits.TransactionBytes + 1]]); // longer than what is relayed
        var copied = new ReadOnlyMemory<byte>[all.Count];
        copies.FindEach([.. all.Select(raw => Keccak.Hash(raw))], copied);
        Assert.Equal(all.TakeLast(8), copied
            .Where(raw => !raw.IsEmpty).Select(raw => raw.ToArray()));
        // One that is larger than all the room is kept alone.
        var large = TestNode.RlpList(20_000, 7);
        kept.Add(Keccak.Hash(large), large);
        Assert.Single(kept.Find([.. all.Append(large).Select(raw => Keccak.Hash(raw))], int.MaxValue));
    }
}
