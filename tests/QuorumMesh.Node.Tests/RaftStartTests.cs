using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Node.Runtime.Raft;
using QuorumMesh.Primitives;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Tests;

public sealed class RaftStartTests : IDisposable
{
    private readonly TempDirectory _temp = new();
    private readonly MemoryKeyValueStore _store = new();
    private readonly MemoryRaftLog _log = new();

    public RaftStartTests()
    {
        TestChain.Open(_store);
        _temp.Write(StaticNodes.FileName,
            System.Text.Json.JsonSerializer.Serialize(Enumerable.Range(1, 3)
            .Select(n => $"enode://{IdOf(n)}@127.0.0.1:{30300 + n}?discport=0&raftport={50400 + n}")));
    }

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void The_place_in_the_file_is_the_raft_id_and_stays()
    {
        var first = Open(2);
        Assert.Equal(2, first.RaftId);
        Assert.True(first.Setup.Core.IsMember);
        _log.Append(first.Setup.Core.Ready() is var ready ? ready.HardState : null, ready.Entries, null);
        Assert.Equal(3ul, _log.LastIndex);

        // The file may change later: identity and membership come from the store and the log.
        File.Delete(_temp.File(StaticNodes.FileName));
        Assert.Equal(2, Open(2).RaftId);
    }

    [Fact]
    public void A_crash_before_the_first_log_write_bootstraps_again()
    {
        Open(1);
        Assert.True(Open(1).Setup.Core.IsMember);
    }

    [Fact]
    public void A_joining_member_knows_nobody_yet()
    {
        var start = Open(4, joining: 9);
        Assert.Equal(9, start.RaftId);
        Assert.False(start.Setup.Core.IsMember);
        Assert.Equal(9, Open(4).RaftId);
    }

    [Fact]
    public void A_member_that_joins_must_be_told_of_another_one()
    {
        foreach (var content in new[] { "[]", $"[\"enode://{IdOf(4)}@127.0.0.1:30304?raftport=50404\"]",
            $"[\"enode://{IdOf(1)}@127.0.0.1:30301\"]" })
        {
            _temp.Write(StaticNodes.FileName, content);
            Assert.Contains("names no member to join", Assert.Throws<StartupException>(() => Open(4, joining: 9)).Message,
                StringComparison.Ordinal);
        }
        File.Delete(_temp.File(StaticNodes.FileName));
        Assert.Contains(StaticNodes.FileName, Assert.Throws<StartupException>(() => Open(4, joining: 9)).Message, StringComparison.Ordinal);
        Assert.Null(ChainStore.GetMeta(_store, "raft.id"));
    }

    [Fact]
    public void Configured_ids_are_introduced_unless_the_log_names_their_nodes()
    {
        var start = Open(4, joining: 9);
        Assert.Equal([1ul, 2, 3], Introduced(start, []));
        Assert.Equal([1ul, 3], Introduced(start, [new RaftAddress(7, TestChain.Signer(2).PublicKey, "127.0.0.1", 30302, 50402)]));
        using var second = new RaftStartTests();
        Assert.Equal([1ul, 3], Introduced(second.Open(2), []));
    }

    [Fact]
    public void A_stranger_is_told_how_to_join() =>
        Assert.Contains("--raftjoinexisting", Assert.Throws<StartupException>(() => Open(4)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_log_without_its_chain_is_refused()
    {
        _log.Append(new RaftHardState(1, 0, 0), [new RaftEntry(1, 1, RaftEntryType.Normal, [])], null);
        Assert.Contains("restore both together", Assert.Throws<StartupException>(() => Open(1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_log_lost_after_entries_were_applied_is_refused_and_says_how_to_rejoin()
    {
        Open(1);
        Applied(5);
        var message = Assert.Throws<StartupException>(() => Open(1)).Message;
        foreach (var advice in new[] { "is empty", "applied entry 5", "restore", "raft_removePeer 1", "raft_addPeer",
            "empty data directory", "static-nodes.json", "--raftjoinexisting" })
            Assert.Contains(advice, message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_log_lost_after_a_vote_and_before_anything_was_applied_is_refused()
    {
        Open(1);
        _store.Write(RaftParticipation.Mark(), sync: true);
        Assert.Contains("may have voted", Assert.Throws<StartupException>(() => Open(1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_member_that_joined_waits_again_but_never_without_the_log_it_has_written()
    {
        Open(4, joining: 9);
        Assert.False(Open(4, joining: 9).Setup.Core.IsMember);
        _store.Write(RaftParticipation.Mark(), sync: true);
        Assert.Contains("raft_removePeer 9", Assert.Throws<StartupException>(() => Open(4, joining: 9)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void The_option_to_join_does_not_pass_a_lost_log_by()
    {
        Open(1);
        Applied(5);
        Assert.Contains("empty data directory", Assert.Throws<StartupException>(() => Open(1, joining: 4)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void A_log_that_ends_before_the_applied_index_is_refused()
    {
        Open(1);
        Applied(5);
        _log.Append(new RaftHardState(1, 0, 3),
            [.. Enumerable.Range(1, 4).Select(i => new RaftEntry(1, (ulong)i, RaftEntryType.Normal, []))], null);
        Assert.Contains("ends at entry 4", Assert.Throws<StartupException>(() => Open(1)).Message, StringComparison.Ordinal);
        _log.Append(null, [new RaftEntry(1, 5, RaftEntryType.Normal, [])], null);
        Assert.Equal(5ul, Open(1).Setup.Core.Applied);
    }

    [Fact]
    public void A_log_of_a_snapshot_alone_is_whole_as_far_as_it_reaches()
    {
        Open(1);
        var conf = new RaftConfState([1, 2, 3], []);
        _log.Append(new RaftHardState(2, 0, 50), [],
            new RaftSnapshot(new RaftSnapshotData([], [], Keccak.Hash([1])).Encode(), conf, 50, 2));
        Applied(50);
        Assert.Equal(50ul, Open(1).Setup.Core.Applied);
        Applied(51);
        Assert.Contains("ends at entry 50", Assert.Throws<StartupException>(() => Open(1)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_snapshot_whose_blocks_are_not_here_yet_brings_its_membership()
    {
        var first = Open(1);
        var ready = first.Setup.Core.Ready();
        _log.Append(ready.HardState, ready.Entries, null);
        var conf = new RaftConfState([1, 2, 3, 4], []);
        _log.Append(new RaftHardState(2, 0, 50), [],
            new RaftSnapshot(new RaftSnapshotData([], [], Keccak.Hash([1])).Encode(), conf, 50, 2));
        Assert.Equal(conf.Voters, Open(1).Setup.Core.ConfState.Voters);
    }

    private static List<ulong> Introduced(RaftStart start, IReadOnlyList<RaftAddress> members)
    {
        var transport = new Introductions();
        start.Connect(transport, members);
        return transport.Ids;
    }

    private void Applied(ulong index)
    {
        var batch = new KeyValueBatch();
        ChainStore.PutAppliedRaftIndex(batch, index);
        _store.Write(batch, sync: true);
    }

    private RaftStart Open(int number, int? joining = null) =>
        RaftStart.Open(DataDirectory.Open(_temp.Path), new NodeSettings { DataDirectory = _temp.Path, RaftJoinExisting = joining },
            IdOf(number), _store, _log);

    private sealed class Introductions : IRaftTransport
    {
#pragma warning disable CS0067 // nothing is ever heard
        public event Action<RaftMessage>? MessageReceived;
        public event Action<ulong>? PeerActive;
        public event Action<ulong>? PeerLost;
        public event Action<ulong>? Unreachable;
        public event Action<ulong, bool>? SnapshotReported;
        public event Action<ulong>? PeerIntroduced;
        public event Action<ulong, bool>? PeerAnnounced;
        public event Action<ulong, string, string>? MessageRefused;
        public event Action<ulong>? RemovedFromCluster;
#pragma warning restore CS0067

        public List<ulong> Ids { get; } = [];

        public void Introduce(RaftAddress member) => Ids.Add(member.RaftId);

        public void AddPeer(RaftAddress member) => throw new InvalidOperationException("configured members are only introduced");

        public void PublishMembers(byte[] members)
        {
        }

        public void RemovePeer(ulong id)
        {
        }

        public void Send(IReadOnlyList<RaftMessage> messages)
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }

    private static string IdOf(int number) => Hex.ToHex(TestChain.Signer(number).PublicKey, prefix: false);
}
