using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Consensus.Tests.Raft;

/// <summary>GoQuorum's newcomer knows no member, and answers nobody, before it has a snapshot that names it
/// (2.5:raft/snapshot.go, updateClusterMembership). Member 4 is one.</summary>
public class RaftNewcomerTests
{
    private const int Patience = 30;

    private readonly RaftNetwork _network = new(3, c => c with { PreVote = true });
    private bool _knowsMembers;

    public RaftNewcomerTests()
    {
        _network.AnnouncePreVote();
        _network.Filter = m =>
        {
            if (m is { To: 4, Type: RaftMessageType.Snap }) _knowsMembers = m.Snapshot!.ConfState.Voters.Contains(4UL);
            return m.From != 4 || _knowsMembers;
        };
        _network.Elect(1);
        _network.Propose(1, 7);
    }

    private IEnumerable<RaftMessage> Snapshots => _network.Delivered.Where(m => m.Type == RaftMessageType.Snap);

    [Fact]
    public void It_gets_a_snapshot_unasked_and_then_what_follows()
    {
        Join();
        TakeSnapshot();
        Tick(Patience, () => _knowsMembers);
        _network[1].Core.ReportSnapshot(4, ok: true);
        _network.Propose(1, 8);

        Tick(Patience, () => _network[4].Values.Contains((byte)8));
        Assert.Equal([1UL, 2, 3, 4], _network[4].Core.ConfState.Voters);
        _network.Tick(10 * Patience);
        Assert.Single(Snapshots);
    }

    [Fact]
    public void One_that_is_started_late_gets_it_again_at_a_slow_pace()
    {
        Join();
        TakeSnapshot();
        _network.Isolate(4);
        for (var n = 0; n < 200; n++)
        {
            _network[1].Core.Tick();
            foreach (var m in _network[1].Drain().Where(m => m.Type == RaftMessageType.Snap))
            {
                _network[1].Core.ReportSnapshot(4, ok: false);
                _network.Delivered.Add(m);
            }
        }

        Assert.InRange(Snapshots.Count(), 5, 10);
    }

    [Fact]
    public void A_snapshot_that_does_not_name_it_is_of_no_use_to_it()
    {
        TakeSnapshot();
        Join();
        _network.Tick(4 * Patience);
        Assert.Empty(Snapshots);
    }

    [Fact]
    public void A_member_that_announced_pre_vote_gets_the_log()
    {
        _network.Filter = _ => true;
        Join();
        TakeSnapshot();
        _network[1].Core.Announce(4, true);
        Tick(Patience, () => _network[4].Values.Contains((byte)7));
        Assert.Empty(Snapshots);
    }

    private void Join()
    {
        _network.Add(4, c => c with { ElectionTicks = 20 });
        Assert.True(_network[1].Core.ProposeConfChange(new RaftConfChange(0, RaftConfChangeType.AddNode, 4, [])));
        _network.Settle();
    }

    private void TakeSnapshot() => _network[1].Log.CreateSnapshot(_network[1].Core.Applied, _network[1].Core.ConfState, []);

    private void Tick(int most, Func<bool> until)
    {
        for (var n = 0; n < most && !until(); n++) _network.Tick();
        Assert.True(until(), $"not within {most} ticks");
    }
}
