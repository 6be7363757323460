using System.Text;

namespace QuorumMesh.Consensus.Raft;

public sealed partial class RaftCore
{
    private static readonly byte[] TransferContext = Encoding.ASCII.GetBytes("CampaignTransfer");

    private bool IsVoter => _members.TryGetValue(Id, out var self) && !self.IsLearner;

    private int Quorum => _members.Values.Count(m => !m.IsLearner) / 2 + 1;

    private void TickElection()
    {
        _electionElapsed++;
        if (!IsVoter || _electionElapsed < _electionTimeout) return;
        _electionElapsed = 0;
        Hup();
    }

    private void TickHeartbeat()
    {
        _heartbeatElapsed++;
        if (++_electionElapsed >= _config.ElectionTicks) (_electionElapsed, _transferTarget) = (0, 0);
        if (_heartbeatElapsed < _config.HeartbeatTicks) return;
        _heartbeatElapsed = 0;
        foreach (var (id, progress) in _members)
            if (id != Id) SendHeartbeat(id, progress);
    }

    private void Hup()
    {
        if (IsLeader || !IsVoter || HasUnappliedConfChange()) return;
        Campaign(_config.PreVote, transfer: false);
    }

    /// <summary>A committed change of membership that is not applied yet: campaigning on the old membership could elect two leaders.</summary>
    private bool HasUnappliedConfChange()
    {
        if (!_log.TrySlice(Math.Max(_log.Applied + 1, _log.FirstIndex), _log.Committed + 1, ulong.MaxValue, out var entries)) return true;
        return entries.Any(e => e.Type == RaftEntryType.ConfChange) || _log.Incoming is not null;
    }

    private void Campaign(bool preVote, bool transfer)
    {
        if (preVote)
        {
            // Neither term nor vote change before a majority would vote for this member.
            Role = RaftRole.PreCandidate;
            Leader = 0;
            _votes.Clear();
        }
        else
        {
            Reset(Term + 1);
            (_vote, Role) = (Id, RaftRole.Candidate);
        }
        if (CountVote(Id, true) >= Quorum)
        {
            WinElection(preVote);
            return;
        }
        foreach (var (id, member) in _members)
        {
            if (id == Id || member.IsLearner) continue;
            Send(new RaftMessage
            {
                To = id,
                Type = preVote ? RaftMessageType.PreVote : RaftMessageType.Vote,
                Term = preVote ? Term + 1 : Term,
                Index = _log.LastIndex,
                LogTerm = _log.LastTerm,
                Context = transfer ? TransferContext : null,
            });
        }
    }

    private int CountVote(ulong from, bool granted)
    {
        _votes.TryAdd(from, granted);
        return _votes.Values.Count(v => v);
    }

    private void WinElection(bool preVote)
    {
        if (preVote) Campaign(false, false);
        else BecomeLeader();
    }

    private void BecomeLeader()
    {
        Reset(Term);
        (Leader, Role) = (Id, RaftRole.Leader);
        // Any uncommitted entry may be a change of membership: wait for them all before the next one.
        _pendingConfIndex = _log.LastIndex;
        AppendEntries([new RaftEntry(0, 0, RaftEntryType.Normal, [])]);
        BroadcastAppend();
    }

    private void HandleVote(RaftMessage m)
    {
        if (IsLearner) return;
        var isPreVote = m.Type == RaftMessageType.PreVote;
        var response = isPreVote ? RaftMessageType.PreVoteResp : RaftMessageType.VoteResp;
        var canVote = _vote == 0 || _vote == m.From || (isPreVote && m.Term > Term);
        if (!canVote || !_log.IsUpToDate(m.Index, m.LogTerm))
        {
            Send(new RaftMessage { To = m.From, Type = response, Term = Term, Reject = true });
            return;
        }
        Send(new RaftMessage { To = m.From, Type = response, Term = m.Term });
        if (isPreVote) return;
        _electionElapsed = 0;
        _vote = m.From;
    }

    private void StepCandidate(RaftMessage m)
    {
        var expected = Role == RaftRole.PreCandidate ? RaftMessageType.PreVoteResp : RaftMessageType.VoteResp;
        if (m.Type == expected)
        {
            HandleVoteResponse(m);
            return;
        }
        if (m.Type is not (RaftMessageType.App or RaftMessageType.Heartbeat or RaftMessageType.Snap)) return;
        BecomeFollower(Term, m.From);
        StepFollower(m);
    }

    private void HandleVoteResponse(RaftMessage m)
    {
        if (!_members.TryGetValue(m.From, out var member) || member.IsLearner) return;
        var granted = CountVote(m.From, !m.Reject);
        if (granted >= Quorum) WinElection(Role == RaftRole.PreCandidate);
        else if (_votes.Count - granted >= Quorum) BecomeFollower(Term, 0);
    }

    private void HandleTimeoutNow()
    {
        if (IsVoter && !HasUnappliedConfChange()) Campaign(false, transfer: true);
    }
}
