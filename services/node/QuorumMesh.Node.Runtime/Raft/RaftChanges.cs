using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime.Consensus;

namespace QuorumMesh.Node.Runtime.Raft;

/// <summary>What became of a change that an operator asked for.</summary>
/// <param name="Id">The Raft id that it is about, as GoQuorum answers it; 0 when there was nothing to change.</param>
/// <param name="IsCommitted">False: it is proposed, and may be committed yet. To ask for it again is safe.</param>
public sealed record RaftChangeOutcome(ulong Id, bool IsCommitted);

/// <summary>
/// Changes of the membership that operators asked for here and that are not applied yet. GoQuorum answers as soon as one is proposed; here
/// the answer waits a while for the commit, so that it says what is. A follower's proposal may be lost on its way to the leader: asked for
/// again, the same change under the same id is proposed again, which every member takes for one.
/// </summary>
internal sealed class RaftChanges
{
    /// <summary>
    /// How long an answer waits, in milliseconds: some elections and round trips, and less than clients of JSON-RPC wait.
    /// </summary>
    public const long WaitMs = 5_000;

    private const int MaxOpen = 16;

    private readonly List<Open> _open = [];

    /// <summary>False while too many are waited for.</summary>
    public bool HasRoom => _open.Count(o => o.Waiting.Count > 0) < MaxOpen;

    /// <returns>The change that is under way for the same request; null when none is.</returns>
    public RaftConfChange? Find(RaftMembershipRequest request) => _open.Find(o => o.Request == request)?.Change;

    public void Proposed(
        RaftMembershipRequest request, RaftConfChange change, Reply<RaftChangeOutcome> answer, NodeTime now, ConsensusOutputs outputs)
    {
        var open = _open.Find(o => o.Request == request);
        if (open is null) _open.Add(open = new Open(request, change));
        open.Waiting.Add((answer, now.Milliseconds + WaitMs));
        // The longest forgotten go first: asked for again, they are proposed anew.
        if (_open.Count > MaxOpen && _open.Find(o => o.Waiting.Count == 0) is { } forgotten) _open.Remove(forgotten);
        SetTimer(now, outputs);
    }

    /// <summary>
    /// A change was applied: of whomever, it is the one that was asked for when it is about the same member in the same way.
    /// </summary>
    public void Applied(RaftConfChange applied, NodeTime now, ConsensusOutputs outputs)
    {
        foreach (var open in _open.FindAll(o => o.Change.NodeId == applied.NodeId))
        {
            _open.Remove(open);
            foreach (var (answer, _) in open.Waiting) outputs.Add(new ConsensusOutput.Answer(AnswerTo(open, applied, answer)));
        }
        SetTimer(now, outputs);
    }

    /// <summary>Answers those that have waited long enough. The changes stay open.</summary>
    public void TimeIsUp(NodeTime now, ConsensusOutputs outputs)
    {
        foreach (var open in _open)
        {
            var outcome = new RaftChangeOutcome(open.Change.NodeId, IsCommitted: false);
            foreach (var (answer, _) in open.Waiting.FindAll(w => w.Until <= now.Milliseconds))
                outputs.Add(new ConsensusOutput.Answer(new NodeAnswer.Of<RaftChangeOutcome>(answer, outcome)));
            open.Waiting.RemoveAll(w => w.Until <= now.Milliseconds);
        }
        SetTimer(now, outputs);
    }

    private static NodeAnswer AnswerTo(Open open, RaftConfChange applied, Reply<RaftChangeOutcome> answer) =>
        applied.Type == open.Change.Type && (applied.Context.Length == 0 || applied.Context.AsSpan().SequenceEqual(open.Change.Context))
            ? new NodeAnswer.Of<RaftChangeOutcome>(answer, new RaftChangeOutcome(applied.NodeId, IsCommitted: true))
            : new NodeAnswer.Refusal<RaftChangeOutcome>(answer, new RaftMembershipException(
                $"another change of raft id {applied.NodeId} was committed first: look at raft_cluster, and ask again if it is still "
                    + "wanted"));

    private void SetTimer(NodeTime now, ConsensusOutputs outputs)
    {
        var waiting = _open.SelectMany(o => o.Waiting).Select(w => w.Until).ToList();
        TimeSpan? after = waiting.Count == 0 ? null : TimeSpan.FromMilliseconds(Math.Max(0, waiting.Min() - now.Milliseconds));
        outputs.Add(new ConsensusOutput.SetTimer(ConsensusTimer.Deadline, after));
    }

    private sealed record Open(RaftMembershipRequest Request, RaftConfChange Change)
    {
        public List<(Reply<RaftChangeOutcome> Answer, long Until)> Waiting { get; } = [];
    }
}
