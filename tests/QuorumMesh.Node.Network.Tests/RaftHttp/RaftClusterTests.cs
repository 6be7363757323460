using System.Collections.Concurrent;
using System.Diagnostics;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Network.RaftHttp;
using QuorumMesh.Node.Storage.RaftLog;
using QuorumMesh.Primitives;
using Xunit.Abstractions;

namespace QuorumMesh.Node.Network.Tests.RaftHttp;

/// <summary>Core, log on disk and HTTP transport together, on loopback with the node's own timing.</summary>
public sealed class RaftClusterTests(ITestOutputHelper output) : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("raftcluster");
    private readonly Dictionary<ulong, RaftTestHost> _hosts = [];

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var host in _hosts.Values) await host.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    private static async Task Until(Func<bool> condition, string what)
    {
        for (var end = DateTime.UtcNow + Limit; !condition();)
        {
            Assert.True(DateTime.UtcNow < end, $"waited {Limit.TotalSeconds} s for: {what}");
            await Task.Delay(2);
        }
    }

    private async Task<RaftPeer[]> StartThree(Func<ulong, RaftTransactions>? transactions = null)
    {
        var transports = new List<RaftTransport>();
        for (ulong id = 1; id <= 3; id++) transports.Add(await RaftTestHost.Listen(id, transactions: transactions?.Invoke(id)));
        var peers = transports.Select((t, i) => new RaftPeer((ulong)i + 1, BitConverter.GetBytes(t.Port))).ToArray();
        for (ulong id = 1; id <= 3; id++) _hosts[id] = RaftTestHost.Start(id, _directory.FullName, transports[(int)id - 1], peers);
        await Until(() => _hosts.Values.Any(h => h.IsLeader), "a leader");
        return peers;
    }

    private RaftTestHost Leader => _hosts.Values.First(h => h.IsLeader);

    private Task ProposeAndWait(byte value, IEnumerable<RaftTestHost> at) => ProposeAndWait([value], at);

    private async Task ProposeAndWait(byte[] value, IEnumerable<RaftTestHost> at)
    {
        var end = DateTime.UtcNow + Limit;
        do
        {
            Assert.True(DateTime.UtcNow < end, $"waited {Limit.TotalSeconds} s for entry {Convert.ToHexStringLower(value)}");
            if (_hosts.Values.FirstOrDefault(h => h.IsLeader) is { } leader) leader.Propose(value);
            for (var i = 0; i < 100 && !Done(); i++) await Task.Delay(2);
        }
        while (!Done());

        bool Done() => at.All(h => h.Applied.Any(d => d.AsSpan().SequenceEqual(value)));
    }

    [Fact]
    public async Task Entries_reach_all_members_in_the_same_order()
    {
        await StartThree();
        var clock = Stopwatch.StartNew();
        for (var i = 0; i < 300; i++) Leader.Propose(BitConverter.GetBytes(i));
        await Until(() => _hosts.Values.All(h => h.Applied.Count >= 300), "300 entries everywhere");
        output.WriteLine($"300 entries on three members in {clock.ElapsedMilliseconds} ms");
        foreach (var host in _hosts.Values) Assert.Equal(Enumerable.Range(0, 300), host.Applied.Select(d => BitConverter.ToInt32(d)));
        var single = Stopwatch.StartNew();
        for (byte i = 0; i < 20; i++)
        {
            var before = Leader.Applied.Count;
            Leader.Propose([i]);
            await Until(() => Leader.Applied.Count > before, "one more entry");
        }
        output.WriteLine($"one entry after the other: {single.ElapsedMilliseconds / 20.0} ms each");
    }

    /// <summary>Each member lacks some of what the leader takes it to hold, and has none of it after a restart.</summary>
    [Fact]
    public async Task Compact_blocks_reach_all_members_in_the_same_order_whatever_they_lack()
    {
        const int most = 100, each = 8;
        var random = new Random(31);
        var all = Enumerable.Range(0, most * each).Select(i => TestNode.RlpList(random.Next(60, 300), i)).ToList();
        var stores = Enumerable.Range(1, 3).ToDictionary(id => (ulong)id, _ => new ConcurrentDictionary<Hash256, byte[]>());
        var rebuilt = 0;
        var peers = await StartThree(id => Transactions(stores[id]));
        var blocks = all.Chunk(each).Select(Block).ToList();
        for (var i = 0; i < most; i++)
        {
            var leader = Leader;
            foreach (var transaction in all.Skip(i * each).Take(each))
                foreach (var (id, store) in stores)
                    if (id == leader.Id || random.Next(20) != 0) store[Keccak.Hash(transaction)] = transaction;
            if (i == most / 2)
            {
                var behind = _hosts.Values.First(h => !h.IsLeader);
                stores[behind.Id].Clear();
                await behind.DisposeAsync();
                _hosts[behind.Id] = RaftTestHost.Start(behind.Id, _directory.FullName,
                    await RaftTestHost.Listen(behind.Id, PortOf(peers, behind.Id), Transactions(stores[behind.Id])), peers);
            }
            await ProposeAndWait(blocks[i], [Leader]);
        }
        foreach (var block in blocks)
            await Until(() => _hosts.Values.All(h => h.Applied.Any(d => d.AsSpan().SequenceEqual(block))), "each block everywhere");
        Assert.True(Volatile.Read(ref rebuilt) > 0);

        RaftTransactions Transactions(ConcurrentDictionary<Hash256, byte[]> store) => new(
            hashes =>
            {
                Interlocked.Increment(ref rebuilt);
                return [.. hashes.Select(hash => (ReadOnlyMemory<byte>)store.GetValueOrDefault(hash, []))];
            },
            _ => static _ => true);
    }

    private static int PortOf(RaftPeer[] peers, ulong id) => BitConverter.ToInt32(peers.First(p => p.Id == id).Context);

    private static byte[] Block(byte[][] transactions)
    {
        var writer = new RlpWriter();
        var block = writer.BeginList();
        writer.WriteRaw(TestNode.RlpList(500, 5));
        var items = writer.BeginList();
        foreach (var transaction in transactions) writer.WriteRaw(transaction);
        writer.EndList(items);
        writer.WriteEmptyList();
        writer.EndList(block);
        return writer.ToArray();
    }

    [Fact]
    public async Task Another_leads_when_the_leader_goes_away_and_it_catches_up_when_it_is_back()
    {
        var peers = await StartThree();
        await ProposeAndWait(1, _hosts.Values);
        var old = Leader;
        var port = old.Port;
        var clock = Stopwatch.StartNew();
        _hosts.Remove(old.Id);
        var closing = old.DisposeAsync();
        await Until(() => _hosts.Values.Any(h => h.IsLeader), "another leader");
        output.WriteLine($"another leads after {clock.ElapsedMilliseconds} ms");
        await closing;
        await ProposeAndWait(2, _hosts.Values);
        output.WriteLine($"and has committed after {clock.ElapsedMilliseconds} ms");
        var back = RaftTestHost.Start(old.Id, _directory.FullName, await RaftTestHost.Listen(old.Id, port), peers);
        _hosts[old.Id] = back;
        await ProposeAndWait(3, _hosts.Values);
        Assert.Equal([1, 2, 3], back.Applied.Select(d => d[0]).Distinct());
    }

    [Fact]
    public async Task A_member_that_was_compacted_away_gets_a_snapshot_and_a_new_one_joins_as_learner()
    {
        var peers = await StartThree();
        var slow = _hosts.Values.First(h => !h.IsLeader);
        var port = slow.Port;
        _hosts.Remove(slow.Id);
        await slow.DisposeAsync();
        for (byte i = 1; i <= 5; i++) await ProposeAndWait(i, _hosts.Values);
        foreach (var host in _hosts.Values) host.Compact();
        await ProposeAndWait(6, _hosts.Values);
        _hosts[slow.Id] = RaftTestHost.Start(slow.Id, _directory.FullName, await RaftTestHost.Listen(slow.Id, port), peers);
        await Until(() => !_hosts[slow.Id].Restored.IsEmpty, "the snapshot");
        // A snapshot names no ports here: connect as the application would from its data.
        foreach (var peer in peers) _hosts[slow.Id].Connect(peer.Id, peer.Context);
        await ProposeAndWait(7, _hosts.Values);

        var transport = await RaftTestHost.Listen(4);
        var joiner = RaftTestHost.Start(4, _directory.FullName, transport, peers: null);
        foreach (var peer in peers) joiner.Connect(peer.Id, peer.Context);
        _hosts[4] = joiner;
        Leader.Change(new RaftConfChange(0, RaftConfChangeType.AddLearnerNode, 4, BitConverter.GetBytes(transport.Port)));
        await ProposeAndWait(8, _hosts.Values);
        Assert.Equal([4UL], joiner.Members.Learners);
    }

    [Fact]
    public async Task A_member_that_was_away_follows_a_leader_that_was_added_meanwhile()
    {
        var peers = await StartThree();
        await ProposeAndWait(1, _hosts.Values);
        var away = _hosts.Values.First(h => !h.IsLeader);
        var port = away.Port;
        _hosts.Remove(away.Id);
        await away.DisposeAsync();
        var transport = await RaftTestHost.Listen(4);
        var added = _hosts[4] = RaftTestHost.Start(4, _directory.FullName, transport, peers: null);
        foreach (var peer in peers) added.Connect(peer.Id, peer.Context);
        Leader.Change(new RaftConfChange(0, RaftConfChangeType.AddNode, 4, BitConverter.GetBytes(transport.Port)));
        await ProposeAndWait(2, _hosts.Values);
        await Until(
            () =>
            {
                _hosts.Values.FirstOrDefault(h => h.IsLeader && h.Id != 4)?.TransferTo(4);
                return added.IsLeader;
            },
            "the added member as leader");
        var back = _hosts[away.Id] = RaftTestHost.Start(away.Id, _directory.FullName, await RaftTestHost.Listen(away.Id, port), peers);
        await ProposeAndWait(3, _hosts.Values);
        Assert.Contains(4UL, back.Members.Voters);
    }

    [Fact]
    public void Append_and_flush_latency_is_shown()
    {
        using var disk = new FileRaftDisk(Path.Combine(_directory.FullName, "latency"));
        using var log = new FileRaftLog(disk);
        var micros = new List<double>();
        for (ulong i = 1; i <= 200; i++)
        {
            var start = Stopwatch.GetTimestamp();
            log.Append(new RaftHardState(1, 1, i - 1), [new RaftEntry(1, i, RaftEntryType.Normal, new byte[10_000])], null);
            micros.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
        }
        micros.Sort();
        output.WriteLine($"append of 10 kB with flush: median {micros[100]:F0} us, 99th {micros[198]:F0} us");
        Assert.Equal(200UL, log.LastIndex);
    }
}
