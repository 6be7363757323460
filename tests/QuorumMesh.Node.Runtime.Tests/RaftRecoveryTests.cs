using QuorumMesh.Chain.Storage;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime.Raft;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>A new configuration from one survivor of a cluster of three, whose other members are lost for good.</summary>
public sealed class RaftRecoveryTests
{
    private const ulong Own = 1;
    private const ulong Now = 1_700_000_000;

    private readonly MemberNode _node = new();

    [Fact]
    public async Task The_survivor_leads_alone_with_every_entry_of_its_log()
    {
        await HoldAsync(blocks: 3, uncommitted: 2);
        var (last, term) = (_node.Log.LastIndex, _node.Raft.Core.Term);
        Assert.Equal(3ul, _node.Core.Head.Number);

        var plan = Plan();
        Assert.Equal((last, term, term + 1, 3ul), (plan.LastIndex, plan.LastTerm, plan.Term, plan.Head));
        Assert.Equal(last - 2, plan.Committed);
        Assert.Equal([Own], plan.Kept);
        Assert.Equal([2ul, 3], plan.Removed);
        Run(plan);

        _node.Start();
        Lead();
        Assert.Equal(5ul, _node.Core.Head.Number);
        Assert.Equal([Own], _node.Raft.View.Members.Select(m => m.RaftId));
        Assert.True(_node.Raft.Core.Term > plan.Term);
        await _node.SubmitAsync(9);

        // The others' old ids are taken out for good: what they say is refused, and they are given to nobody.
        Assert.Equal(4ul, RaftMembershipRequests.Change(new RaftMembershipRequest.Add(Enode(4), AsLearner: false), Membership(),
            _node.Raft.Core)!.NodeId);
        var refused = 0;
        _node.Events.RaftMessageRefused += _ => refused++;
        _node.Step(new RaftInput.Message(new RaftMessage { Type = RaftMessageType.Vote, From = 2, To = Own, Term = 99, Index = 99 }));
        Assert.Equal(1, refused);
        Assert.True(_node.Raft.Core.IsLeader);
    }

    [Fact]
    public async Task What_was_done_is_kept_with_the_chain()
    {
        await HoldAsync(blocks: 2, uncommitted: 0);
        Run(Plan());
        var record = Assert.Single(RaftRecoveryRecord.All(_node.Store));
        Assert.Equal((Now, "an operator", "the others burnt", true), (record.UnixSeconds, record.Who, record.Why, record.IsDone));
        Assert.Equal(_node.Core.Head.Hash, record.HeadHash);
    }

    /// <summary>Every write is a place to be cut off at. A record of the log is all there after a crash, or not at all.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Cut_off_at_any_write_and_run_again_it_ends_the_same(int writes)
    {
        await HoldAsync(blocks: 3, uncommitted: 2);
        var whole = Plan();
        var budget = new Budget(writes);
        void Cut() => new RaftRecovery(new CutOffStore(_node.Store, budget), new CutOffLog(_node.Log, budget), Own).Run(whole);
        if (writes < 3) Assert.Throws<IOException>(Cut);
        else Cut();
        Assert.Equal(writes is 1 or 2, RaftRecoveryRecord.Unfinished(_node.Store) is not null);

        if (RaftRecoveryRecord.Unfinished(_node.Store) is not null)
            Assert.Contains("was begun", Assert.Throws<RaftRecoveryException>(() => Plan(keep: [2])).Message, StringComparison.Ordinal);

        if (RaftRecoveryRecord.All(_node.Store) is not [{ IsDone: true }])
            Run(new RaftRecovery(_node.Store, _node.Log, Own).Plan([], "another", "again", Now + 60));
        var record = Assert.Single(RaftRecoveryRecord.All(_node.Store));
        Assert.Equal((whole.LastIndex, whole.Term, true), (record.LastIndex, record.Term, record.IsDone));
        Assert.Equal(whole.LastIndex + 2, _node.Log.LastIndex);
        Assert.Equal(new RaftHardState(whole.Term, Own, whole.LastIndex + 2), _node.Log.InitialState().HardState);
        _node.Start();
        Lead();
        Assert.Equal(5ul, _node.Core.Head.Number);
    }

    [Fact]
    public async Task A_second_survivor_is_kept_and_follows_by_Rafts_own_rules()
    {
        await HoldAsync(blocks: 1, uncommitted: 0);
        Run(Plan(keep: [3]));
        _node.Start();
        Assert.Equal([Own, 3], _node.Raft.View.Members.Select(m => m.RaftId));
        _node.Tick(20);
        Assert.False(_node.Raft.Core.IsLeader);
        Say(3, RaftMessageType.VoteResp, 0);
        Assert.True(_node.Raft.Core.IsLeader);
    }

    [Fact]
    public void A_learner_becomes_a_voter()
    {
        // Member 2 alone votes; this one is a learner.
        _node.Step(_node.Committed(term: 2, MemberNode.Remove(3)));
        Assert.Empty(Plan().Promoted);
        var log = new MemoryRaftLog();
        var store = new MemoryKeyValueStore();
        var state = new RaftConfState([2], [4]);
        log.Append(new RaftHardState(5, 0, 1), [new RaftEntry(5, 1, RaftEntryType.Normal, [])], null);
        var batch = new KeyValueBatch();
        ChainStore.PutMeta(batch, StoredNames.RaftConfState, RaftWire.Encode(new RaftSnapshot([], state, 1, 0)));
        ChainStore.PutPublicHead(batch, new BlockPointer(0, default));
        store.Write(batch, sync: true);
        var recovery = new RaftRecovery(store, log, 4);
        var plan = recovery.Plan([], "an operator", "gone", Now);
        Assert.Equal([4ul], plan.Promoted);
        Assert.Equal([2ul], plan.Removed);
        recovery.Run(plan);
        Assert.Equal([RaftConfChangeType.AddNode, RaftConfChangeType.RemoveNode],
            log.Entries(2, 4, ulong.MaxValue).Select(e => RaftWire.DecodeConfChange(e.Data).Type));
    }

    [Fact]
    public async Task Nothing_is_begun_from_a_node_that_cannot_be_gone_on_from()
    {
        await HoldAsync(blocks: 1, uncommitted: 0);
        Refuses("is no member: the log has 1, 2, 3", keep: [7]);
        Refuses("nothing to recover", keep: [2, 3]);

        var conflict = new KeyValueBatch();
        ChainStore.PutMeta(conflict, StoredNames.HeadConflict, [1]);
        _node.Store.Write(conflict, sync: true);
        Refuses("another chain");
        var none = new KeyValueBatch();
        ChainStore.PutMeta(none, StoredNames.HeadConflict, []);
        _node.Store.Write(none, sync: true);

        Assert.Contains("is empty", Assert.Throws<RaftRecoveryException>(
            () => new RaftRecovery(_node.Store, new MemoryRaftLog(), Own).Plan([], "w", "w", Now)).Message, StringComparison.Ordinal);

        var snapshot = new MemoryRaftLog();
        snapshot.Append(new RaftHardState(9, 0, 90), [], new RaftSnapshot([], new RaftConfState([1, 2, 3], []), 90, 9));
        Assert.Contains("lacks blocks before entry 90", Assert.Throws<RaftRecoveryException>(
            () => new RaftRecovery(_node.Store, snapshot, Own).Plan([], "w", "w", Now)).Message, StringComparison.Ordinal);

        _node.Step(_node.Committed(term: 9, MemberNode.Remove(Own)));
        Refuses("was removed");
    }

    [Fact]
    public async Task An_entry_of_the_tail_that_removes_the_survivor_is_named()
    {
        await HoldAsync(blocks: 1, uncommitted: 0);
        _node.Log.Append(null, [new RaftEntry(_node.Raft.Core.Term, _node.Log.LastIndex + 1, RaftEntryType.ConfChange,
            RaftWire.Encode(MemberNode.Remove(Own)))], null);
        Refuses($"entry {_node.Log.LastIndex} of this node's log removes it");
    }

    [Fact]
    public async Task A_log_of_another_moment_is_refused()
    {
        await HoldAsync(blocks: 1, uncommitted: 0);
        var plan = Plan();
        _node.Store.Write(plan.Put(_node.Store), sync: true);
        _node.Log.Append(null, [new RaftEntry(_node.Raft.Core.Term, _node.Log.LastIndex + 1, RaftEntryType.Normal, [])], null);
        Assert.Contains("of the same moment", Assert.Throws<RaftRecoveryException>(() => Run(plan)).Message, StringComparison.Ordinal);
    }

    private RaftRecoveryRecord Plan(params ulong[] keep) =>
        new RaftRecovery(_node.Store, _node.Log, Own).Plan(keep, "an operator", "the others burnt", Now);

    private void Run(RaftRecoveryRecord plan) => new RaftRecovery(_node.Store, _node.Log, Own).Run(plan);

    private void Refuses(string why, params ulong[] keep) =>
        Assert.Contains(why, Assert.Throws<RaftRecoveryException>(() => Plan(keep)).Message, StringComparison.Ordinal);

    /// <summary>It leads, and member 2 acknowledges so many blocks; those behind them nobody does. Then all stop.</summary>
    private async Task HoldAsync(int blocks, int uncommitted)
    {
        Lead();
        for (var nonce = 0; nonce < blocks + uncommitted; nonce++)
        {
            await _node.SubmitAsync((ulong)nonce);
            _node.After(60);
            if (nonce < blocks) Acknowledge();
        }
        _node.Core.Close();
    }

    private void Lead()
    {
        for (var ticks = 0; !_node.Raft.Core.IsLeader; ticks++)
        {
            Assert.True(ticks < 50, "no election");
            _node.Tick(1);
            if (_node.Raft.Core.Role != RaftRole.Candidate) continue;
            Say(2, RaftMessageType.VoteResp, 0);
            Acknowledge();
        }
    }

    private void Acknowledge() => Say(2, RaftMessageType.AppResp, _node.Raft.Core.LastIndex);

    private void Say(ulong from, RaftMessageType type, ulong index) => _node.Step(new RaftInput.Message(
        new RaftMessage { Type = type, From = from, To = Own, Term = _node.Raft.Core.Term, Index = index }));

    private RaftMembership Membership()
    {
        var membership = new RaftMembership();
        var data = RaftSnapshotData.Decode(ChainStore.GetMeta(_node.Store, StoredNames.RaftMembers)!.Value.Span);
        membership.Replace(data.Addresses, data.RemovedIds);
        return membership;
    }

    private static Enode Enode(int id) => new(MemberNode.IdOf(id), "127.0.0.1", 30_300 + id, 50_400 + id);

    /// <summary>What is written after so many writes, of store and log together, is lost.</summary>
    private sealed class Budget(int writes)
    {
        private int _left = writes;

        public void Spend()
        {
            if (_left-- <= 0) throw new IOException("killed");
        }
    }

    private sealed class CutOffStore(IKeyValueStore inner, Budget budget) : IKeyValueStore
    {
        public byte[]? Get(ReadOnlySpan<byte> key) => inner.Get(key);

        public IEnumerable<KeyValuePair<byte[], byte[]>> Scan(byte[] prefix, byte[]? from = null) => inner.Scan(prefix, from);

        public IKeyValueSnapshot Snapshot() => inner.Snapshot();

        public void Write(KeyValueBatch batch, bool sync)
        {
            budget.Spend();
            Assert.True(sync, "what is not flushed may be lost after what comes behind it");
            inner.Write(batch, sync);
        }

        public void Sync() => inner.Sync();

        public void Dispose()
        {
        }
    }

    private sealed class CutOffLog(IRaftLog inner, Budget budget) : IRaftLog
    {
        public ulong FirstIndex => inner.FirstIndex;

        public ulong LastIndex => inner.LastIndex;

        public (RaftHardState HardState, RaftConfState ConfState) InitialState() => inner.InitialState();

        public bool TryTerm(ulong index, out ulong term) => inner.TryTerm(index, out term);

        public IReadOnlyList<RaftEntry> Entries(ulong lo, ulong hi, ulong maxSize) => inner.Entries(lo, hi, maxSize);

        public RaftSnapshot? Snapshot() => inner.Snapshot();

        public void Append(RaftHardState? hardState, IReadOnlyList<RaftEntry> entries, RaftSnapshot? snapshot)
        {
            budget.Spend();
            inner.Append(hardState, entries, snapshot);
        }

        public void CreateSnapshot(ulong index, RaftConfState confState, byte[] data) => throw new NotSupportedException();

        public void Compact(ulong index) => throw new NotSupportedException();
    }
}
