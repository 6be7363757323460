using System.Collections.Concurrent;
using System.Net;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Network.RaftHttp;
using QuorumMesh.Outbound;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Tests.RaftHttp;

/// <summary>Blocks between two members over real streams, without the transactions that the receiver is taken to hold.</summary>
public sealed class CompactAppendTests : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly byte[][] Transactions = [.. Enumerable.Range(0, 200).Select(i => TestNode.RlpList(150, i))];
    private readonly List<Member> _members = [];
    private ulong _index;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var member in _members) await member.Transport.DisposeAsync();
    }

    private static async Task Until(Func<bool> condition, string what)
    {
        for (var end = DateTime.UtcNow + Limit; !condition();)
        {
            Assert.True(DateTime.UtcNow < end, $"waited {Limit.TotalSeconds} s for: {what}");
            await Task.Delay(10);
        }
    }

    private async Task<Member> Start(ulong id, bool isOld = false, TimeSpan? patience = null, TimeSpan? wholeTime = null)
    {
        var member = new Member(id, new RaftTransportOptions
        {
            Id = id,
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            CompactPatience = patience ?? TimeSpan.Zero,
            WholeTime = wholeTime ?? TimeSpan.FromHours(1),
        }, isOld);
        await member.Transport.StartAsync();
        _members.Add(member);
        return member;
    }

    private async Task<(Member Leader, Member Follower)> Pair(bool isOldLeader = false, bool isOldFollower = false,
        TimeSpan? patience = null, TimeSpan? wholeTime = null)
    {
        var (leader, follower) = (await Start(1, isOldLeader, patience, wholeTime), await Start(2, isOldFollower, patience, wholeTime));
        leader.Transport.AddPeer(2, follower.Url);
        follower.Transport.AddPeer(1, leader.Url);
        await Until(() => leader.Transport.OpenStreams(2) == 2 && follower.Transport.OpenStreams(1) == 2, "both streams");
        // The first append on a stream says where it begins, and is always whole.
        await SendAsync(leader, follower, [1, 2, 3]);
        return (leader, follower);
    }

    /// <summary>Sends an entry again until it has arrived, as Raft does where a stream broke; each goes on where the last ended.</summary>
    private async Task<byte[]> SendAsync(Member leader, Member follower, byte[] data)
    {
        for (var end = DateTime.UtcNow + Limit; ;)
        {
            var index = ++_index;
            leader.Transport.Send([new RaftMessage
            {
                Type = RaftMessageType.App,
                From = leader.Id,
                To = follower.Id,
                Term = 2,
                LogTerm = 2,
                Index = index - 1,
                Commit = index - 1,
                Entries = [new RaftEntry(2, index, RaftEntryType.Normal, data)],
            }]);
            for (var again = DateTime.UtcNow + TimeSpan.FromSeconds(2); DateTime.UtcNow < again; await Task.Delay(5))
                if (follower.Received.FirstOrDefault(m => m.Type == RaftMessageType.App && m.Index == index - 1) is { } append)
                    return append.Entries[0].Data;
            Assert.True(DateTime.UtcNow < end, $"entry {index} has not arrived");
        }
    }

    private static byte[] Block(IEnumerable<byte[]> transactions)
    {
        var writer = new RlpWriter();
        var block = writer.BeginList();
        writer.WriteRaw(TestNode.RlpList(500, 77));
        var items = writer.BeginList();
        foreach (var transaction in transactions) writer.WriteRaw(transaction);
        writer.EndList(items);
        writer.WriteEmptyList();
        writer.EndList(block);
        return writer.ToArray();
    }

    [Fact]
    public async Task Blocks_go_without_what_the_member_holds_and_arrive_byte_for_byte()
    {
        var (leader, follower) = await Pair();
        leader.Store(Transactions[..5]);
        follower.Store(Transactions[..5]);
        leader.Believes = hash => Transactions[..4].Any(t => Keccak.Hash(t) == hash);
        var block = Block(Transactions[..6]);
        Assert.Equal(block, await SendAsync(leader, follower, block));
        Assert.Equal(4, Assert.Single(follower.Looked).Count);
        Assert.Single(leader.Looked); // what it has itself; nothing was asked for
        // What is no block, and what is small, goes whole.
        byte[] other = [.. new byte[2_000]];
        Assert.Equal(other, await SendAsync(leader, follower, other));
        var small = Block([TestNode.RlpList(40, 1)]);
        Assert.Equal(small, await SendAsync(leader, follower, small));
        Assert.Single(follower.Looked);
    }

    [Fact]
    public async Task What_the_member_lacks_is_asked_for_once_and_nothing_else()
    {
        var (leader, follower) = await Pair();
        leader.Store(Transactions[..10]);
        follower.Store([.. Transactions[..3], .. Transactions[5..10]]);
        leader.Believes = static _ => true;
        var block = Block(Transactions[..10]);
        Assert.Equal(block, await SendAsync(leader, follower, block));
        Assert.Equal(2, leader.Looked.Count);
        Assert.Equal(Transactions[3..5].Select(t => Keccak.Hash(t)), leader.Looked.Last());
        Assert.Equal(2, follower.Transport.OpenStreams(1));
    }

    [Fact]
    public async Task What_is_on_its_way_is_waited_for()
    {
        var (leader, follower) = await Pair(patience: Limit);
        leader.Store(Transactions[..10]);
        leader.Believes = static _ => true;
        follower.OnLook = looks =>
        {
            if (looks == 3) follower.Store(Transactions[..10]);
        };
        var block = Block(Transactions[..10]);
        Assert.Equal(block, await SendAsync(leader, follower, block));
        Assert.True(follower.Looked.Count >= 3);
        Assert.Single(leader.Looked);
    }

    [Fact]
    public async Task What_the_leader_has_no_more_goes_along_whoever_is_taken_to_hold_it()
    {
        var (leader, follower) = await Pair();
        leader.Store(Transactions[..5]);
        follower.Store(Transactions[..5]);
        leader.Believes = static _ => true;
        var block = Block(Transactions[..10]);
        Assert.Equal(block, await SendAsync(leader, follower, block));
        Assert.Equal(Transactions[..5].Select(t => Keccak.Hash(t)), Assert.Single(follower.Looked));
        Assert.Equal(2, follower.Transport.OpenStreams(1));
    }

    [Fact]
    public async Task What_nobody_has_any_more_brings_the_block_whole_and_compact_ones_come_again_after_a_time()
    {
        var (leader, follower) = await Pair(wholeTime: TimeSpan.FromMilliseconds(500));
        leader.Store(Transactions[..10]);
        leader.Believes = static _ => true;
        // Once it has named them.
        leader.OnLook = looks =>
        {
            if (looks == 2) leader.Held.Clear();
        };
        var block = Block(Transactions[..10]);
        Assert.Equal(block, await SendAsync(leader, follower, block));
        Assert.True(leader.Looked.Count >= 2);
        Assert.DoesNotContain(1ul, follower.Lost); // the stream's end was the follower's own choice
        leader.Store(Transactions[..10]);
        follower.Store(Transactions[..10]);
        var (looked, end) = (follower.Looked.Count, DateTime.UtcNow + Limit);
        while (follower.Looked.Count == looked)
        {
            Assert.True(DateTime.UtcNow < end, "no block came without its transactions");
            Assert.Equal(block, await SendAsync(leader, follower, block));
        }
    }

    [Fact]
    public async Task A_block_that_is_not_the_senders_is_not_taken_and_comes_whole()
    {
        var (leader, follower) = await Pair();
        leader.Store(Transactions[..10]);
        follower.Store(Transactions[..10]);
        leader.Believes = static _ => true;
        // The follower's store lies about one of them.
        follower.Held[Keccak.Hash(Transactions[4])] = Transactions[11];
        var block = Block(Transactions[..10]);
        Assert.Equal(block, await SendAsync(leader, follower, block));
        Assert.All(follower.Received.Where(m => m.Type == RaftMessageType.App && m.Entries[0].Data.Length > 3),
            m => Assert.Equal(block, m.Entries[0].Data));
        Assert.Single(follower.Looked);
    }

    [Fact]
    public async Task A_member_that_lacks_much_gets_blocks_whole_for_a_time()
    {
        var (leader, follower) = await Pair();
        leader.Store(Transactions);
        leader.Believes = static _ => true;
        var block = Block(Transactions[..100]);
        Assert.Equal(block, await SendAsync(leader, follower, block));
        Assert.Single(follower.Looked);
        Assert.Equal(block, await SendAsync(leader, follower, block));
        Assert.Single(follower.Looked);
        Assert.Equal(2, follower.Transport.OpenStreams(1)); // the stream stays
    }

    [Fact]
    public async Task A_member_that_the_p2p_network_does_not_reach_gets_blocks_whole()
    {
        var (leader, follower) = await Pair();
        follower.Store(Transactions);
        leader.Believes = null;
        var block = Block(Transactions[..100]);
        Assert.Equal(block, await SendAsync(leader, follower, block));
        Assert.Empty(follower.Looked);
    }

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task Builds_that_do_not_know_compact_blocks_send_and_get_whole_ones(bool isOldLeader, bool isOldFollower)
    {
        var (leader, follower) = await Pair(isOldLeader, isOldFollower);
        leader.Store(Transactions);
        follower.Store(Transactions);
        leader.Believes = static _ => true;
        var block = Block(Transactions[..100]);
        Assert.Equal(block, await SendAsync(leader, follower, block));
        Assert.Empty(follower.Looked);
        Assert.Empty(leader.Looked);
    }

    [Theory]
    [InlineData("POST", 2, 320, 404)] // none of them is there
    [InlineData("POST", 2, 32, 200)]
    [InlineData("POST", 2, 0, 400)]
    [InlineData("POST", 2, 33, 400)]
    [InlineData("POST", 2, (1 << 20) + 32, 413)]
    [InlineData("POST", 9, 32, 503)] // no member
    [InlineData("GET", 2, 0, 405)]
    public async Task Transactions_are_told_members_alone_in_bounded_numbers(string method, ulong from, int length, int status)
    {
        var (leader, _) = await Pair();
        if (status == 200) leader.Held[default] = Transactions[0]; // 32 zeros
        var answer = await AskAsync(leader, new HttpMethod(method), from, length);
        Assert.Equal(status, (int)answer.Status);
        if (status == 200) Assert.Equal(Transactions[0], Assert.Single(RaftTransactionsWire.DecodeAnswer(answer.Body, 1)).ToArray());
    }

    /// <summary>Where plain text is taken anybody may ask so.</summary>
    [Theory]
    [InlineData(true, HttpStatusCode.OK)]
    [InlineData(false, HttpStatusCode.NotFound)]
    public async Task Who_asks_in_a_members_name_before_anything_was_named_to_it_has_it_sent_no_whole_blocks(
        bool isThere, HttpStatusCode status)
    {
        var (leader, follower) = await Pair();
        leader.Store(Transactions[..10]);
        follower.Store(Transactions[..10]);
        leader.Believes = static _ => true;
        if (isThere) leader.Held[default] = Transactions[0]; // 32 zeros
        Assert.Equal(status, (await AskAsync(leader, HttpMethod.Post, from: 2, length: 32 * 100)).Status);
        var block = Block(Transactions[..10]);
        Assert.Equal(block, await SendAsync(leader, follower, block));
        Assert.Single(follower.Looked);
    }

    private static async Task<(HttpStatusCode Status, byte[] Body)> AskAsync(Member member, HttpMethod method, ulong from, int length)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        using var request = new HttpRequestMessage(method, new Uri(member.Url, "/raft/transactions"));
        request.Headers.Add("X-Server-From", from.ToString("x"));
        request.Headers.Add("X-Etcd-Cluster-ID", "1000");
        request.Headers.Add("X-Server-Version", "3.3.13");
        request.Headers.Add("X-Min-Cluster-Version", "3.0.0");
        request.Headers.ExpectContinue = length > 1 << 20;
        if (method == HttpMethod.Post) request.Content = new ByteArrayContent(new byte[length]);
        using var response = await http.SendAsync(request);
        return (response.StatusCode, await response.Content.ReadAsByteArrayAsync());
    }

    private sealed class Member
    {
        private int _looks;

        public Member(ulong id, RaftTransportOptions options, bool isOld)
        {
            Id = id;
            Transport = new RaftTransport(
                isOld ? options : options with { Transactions = new RaftTransactions(Find, _ => Believes) }, new OutboundHandlers());
            Transport.MessageReceived += Received.Enqueue;
            Transport.PeerLost += Lost.Enqueue;
        }

        public ulong Id { get; }
        public RaftTransport Transport { get; }
        public Uri Url => new($"http://127.0.0.1:{Transport.Port}");
        public ConcurrentQueue<RaftMessage> Received { get; } = new();

        public ConcurrentQueue<ulong> Lost { get; } = new();

        /// <summary>What was looked up here, for a block that goes out, for a block or for somebody who asked.</summary>
        public ConcurrentQueue<IReadOnlyList<Hash256>> Looked { get; } = new();

        public ConcurrentDictionary<Hash256, byte[]> Held { get; } = new();

        /// <summary>What it takes the others to hold; null: they are not connected.</summary>
        public Predicate<Hash256>? Believes { get; set; }

        public Action<int>? OnLook { get; set; }

        public void Store(IEnumerable<byte[]> transactions)
        {
            foreach (var transaction in transactions) Held[Keccak.Hash(transaction)] = transaction;
        }

        private ReadOnlyMemory<byte>[] Find(IReadOnlyList<Hash256> hashes)
        {
            Looked.Enqueue(hashes);
            OnLook?.Invoke(Interlocked.Increment(ref _looks));
            return [.. hashes.Select(hash => (ReadOnlyMemory<byte>)Held.GetValueOrDefault(hash, []))];
        }
    }
}
