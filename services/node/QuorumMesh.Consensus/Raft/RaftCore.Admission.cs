namespace QuorumMesh.Consensus.Raft;

/// <summary>What is taken from whom. No message may break an invariant: what could is refused here, before it has any effect.</summary>
public sealed partial class RaftCore
{
    /// <summary>
    /// How far a term or an index may lie past the own ones. At 20 blocks a second a cluster needs seven years for so many.
    /// </summary>
    public const ulong MaxJump = 1UL << 32;

    private const int MaxAcquainted = 256;

    /// <summary>Senders that the own log does not name (yet): configured, or a known member has confirmed them.</summary>
    private readonly HashSet<ulong> _acquainted = [];

    /// <summary>Lets a sender be heard that the applied membership does not name: a lagging or joining member must follow a
    /// leader that was added after its own applied index. Volatile, and bounded.</summary>
    public void Introduce(ulong id)
    {
        if (id != Id && _acquainted.Count < MaxAcquainted) _acquainted.Add(id);
    }

    private bool Knows(ulong id) => _members.ContainsKey(id) || _acquainted.Contains(id);

    private RaftRefusal Admit(RaftMessage m)
    {
        // A transfer names the member that is to take over, which may be this one.
        var isOwn = m.From == Id && m.Type != RaftMessageType.TransferLeader;
        if (m.IsLocal || m.From == 0 || isOwn || !IsWellFormed(m)) return RaftRefusal.Malformed;
        var sender = AdmitSender(m);
        if (sender != RaftRefusal.None) return sender;
        // A term or index near 2^64 in one forged message would leave nothing to count up to: the member could never be elected
        // or append again. etcd trusts its peers and takes both.
        if (IsFar(m.Term, Term) || IsFar(m.LogTerm, Term)) return RaftRefusal.TermJump;
        return IsFar(m.Index, LastIndex) || IsFar(m.Commit, LastIndex) || IsFar(m.RejectHint, LastIndex)
            || IsFar(m.Snapshot?.Index ?? 0, LastIndex)
            ? RaftRefusal.IndexJump
            : RaftRefusal.None;
    }

    // Answers and proposals count for quorums and logs, so only members give them. Appends, heartbeats and votes must also be
    // taken from a leader whose own addition this log has not seen yet; those only need to be introduced. One term has one leader
    // (election safety, paper section 5.2): a second one in the same term is a forgery or a lost log.
    private RaftRefusal AdmitSender(RaftMessage m) => m.Type switch
    {
        RaftMessageType.Prop or RaftMessageType.AppResp or RaftMessageType.HeartbeatResp or RaftMessageType.VoteResp
        or RaftMessageType.PreVoteResp
            or RaftMessageType.TransferLeader => _members.ContainsKey(m.From) ? RaftRefusal.None : RaftRefusal.NotAMember,
        RaftMessageType.TimeoutNow or RaftMessageType.Snap when m.From != Leader => RaftRefusal.NotTheLeader,
        RaftMessageType.App or RaftMessageType.Heartbeat when m.Term == Term && Leader != 0 && m.From != Leader => RaftRefusal.NotTheLeader,
        RaftMessageType.App or RaftMessageType.Heartbeat or RaftMessageType.Vote or RaftMessageType.PreVote =>
            Knows(m.From) ? RaftRefusal.None : RaftRefusal.UnknownSender,
        RaftMessageType.Snap or RaftMessageType.TimeoutNow => RaftRefusal.None,
        _ => RaftRefusal.Malformed,
    };

    private static bool IsFar(ulong value, ulong own) => value > own && value - own > MaxJump;

    private static bool IsWellFormed(RaftMessage m)
    {
        // Forwarded proposals carry no term, as in etcd: they are as good as local ones. Everything else has one.
        if (m.Type is RaftMessageType.Prop ? m.Term != 0 : m.Term == 0 && m.Type != RaftMessageType.TransferLeader) return false;
        switch (m.Type)
        {
            case RaftMessageType.App:
                var previous = m.LogTerm;
                for (var i = 0; i < m.Entries.Count; i++)
                {
                    var entry = m.Entries[i];
                    // A log has no gaps, its terms never fall, and no entry is of a later term than the leader that sends it.
                    if (entry.Index != m.Index + 1 + (ulong)i || entry.Term < previous || entry.Term > m.Term) return false;
                    previous = entry.Term;
                }
                return previous <= m.Term;
            case RaftMessageType.Snap:
                // A snapshot without members would leave a cluster of nobody.
                return m.Snapshot is { Index: > 0 } s && !s.ConfState.IsEmpty && s.Term <= m.Term;
            case RaftMessageType.Prop:
                return m.Entries.Count > 0;
            default:
                return true;
        }
    }

    /// <summary>True when the append has another entry where this log has a committed one. A leader never does.</summary>
    private bool Contradicts(RaftMessage append)
    {
        // Below the compacted prefix nothing can be compared, and nothing is changed either: the append is answered with the
        // commit index.
        if (append.Index <= _log.Committed && _log.TryTerm(append.Index, out var term) && term != append.LogTerm) return true;
        foreach (var entry in append.Entries)
        {
            if (entry.Index > _log.Committed) return false;
            if (_log.TryTerm(entry.Index, out var held) && held != entry.Term) return true;
        }
        return false;
    }
}
