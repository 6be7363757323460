using System.Text;

namespace QuorumMesh.Consensus.Raft;

public sealed partial class RaftCore
{
    private static readonly byte[] TransferContext = Encoding.ASCII.GetBytes("CampaignTransfer");

    /// <summary>The highest entry that a leader has named as held by this member and that was not there.</summary>
    private ulong _owed;

    /// <summary>Part of the log was lost after it was acknowledged: until it is back, a vote of this member could elect a leader
    /// that lacks what is committed.</summary>
    private bool OwesEntries => _log.LastIndex < _owed;

    // Learners receive the log but count in no quorum (etcd 3.3): a member that joins cannot hold up commits or elections while
    // it is behind.
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
        // A transfer that has not finished within an election timeout is given up, so that proposals are taken again (Raft
        // thesis, section 3.10).
        if (++_electionElapsed >= _config.ElectionTicks) (_electionElapsed, _transferTarget) = (0, 0);
        if (IsPreVoteOn && !HasQuorum)
        {
            // The others may have elected another long ago.
            BecomeFollower(Term, 0);
            return;
        }
        if (_heartbeatElapsed < _config.HeartbeatTicks) return;
        _heartbeatElapsed = 0;
        foreach (var (id, progress) in _members)
        {
            if (id == Id) continue;
            SendHeartbeat(id, progress);
            OfferFirst(id, progress);
        }
    }

    private void Hup()
    {
        // A log that lost what it acknowledged may look up to date to others that never had it: standing for election could lose
        // committed blocks. etcd has no such rule and panics instead.
        if (IsLeader || !IsVoter || OwesEntries || HasUnappliedConfChange()) return;
        Campaign(IsPreVoteOn, transfer: false);
    }

    /// <summary>
    /// A committed change of membership that is not applied yet: campaigning on the old membership could elect two leaders.
    /// </summary>
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
            // Term and own vote reach the disk before the requests leave, for Ready persists the hard state first. Otherwise a
            // restart could vote twice in one term.
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
                // The term that the election would have. The own one stays as it is, so that a member that was cut off does not
                // depose a working leader when it comes back (Raft thesis, section 9.6).
                Term = preVote ? Term + 1 : Term,
                Index = _log.LastIndex,
                LogTerm = _log.LastTerm,
                Context = transfer ? TransferContext : null,
            });
        }
    }

    private int CountVote(ulong from, bool granted)
    {
        // The first answer counts; a message that comes twice must not change a vote.
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
        _yields = false;
        Reset(Term);
        (Leader, Role) = (Id, RaftRole.Leader);
        foreach (var member in _members.Values) member.HeardAt = _ticks; // a majority has just voted
        // Any uncommitted entry may be a change of membership: wait for them all before the next one.
        _pendingConfIndex = _log.LastIndex;
        // Entries of older terms are committed only through one of this term (paper section 5.4.2). The empty one makes sure that
        // there is one. GoQuorum's nodes pass empty entries over.
        AppendEntries([new RaftEntry(0, 0, RaftEntryType.Normal, [])]);
        BroadcastAppend();
    }

    private void HandleVote(RaftMessage m)
    {
        // Silence, not a rejection: a refusal could end an election that the others can still decide among themselves.
        if (IsLearner || OwesEntries) return;
        var isPreVote = m.Type == RaftMessageType.PreVote;
        var response = isPreVote ? RaftMessageType.PreVoteResp : RaftMessageType.VoteResp;
        // One vote a term (paper section 5.2). A pre-vote for a later term binds nobody, so it may be given besides.
        var canVote = _vote == 0 || _vote == m.From || (isPreVote && m.Term > Term);
        // Only a candidate with all committed entries can win, because a majority holds them (election restriction, paper section
        // 5.4.1).
        var isUpToDate = _log.IsUpToDate(m.Index, m.LogTerm);
        if (!canVote || !isUpToDate)
        {
            Send(new RaftMessage { To = m.From, Type = response, Term = Term, Reject = true });
            if (_yields && !isUpToDate) EndYielding(); // this log is the longer one
            return;
        }
        // The answer has the term of the question: for a pre-vote that is one that this member has not reached, and the candidate
        // would drop an answer of its own older term.
        Send(new RaftMessage { To = m.From, Type = response, Term = m.Term });
        // Only a real vote is a promise: it restarts the election wait, and is persisted before the answer leaves.
        if (isPreVote) return;
        _electionElapsed = 0;
        _vote = m.From;
    }

    private static bool IsTransfer(RaftMessage m) => m.Context.AsSpan().SequenceEqual(TransferContext);

    private RaftRefusal StepCandidate(RaftMessage m)
    {
        var expected = Role == RaftRole.PreCandidate ? RaftMessageType.PreVoteResp : RaftMessageType.VoteResp;
        if (m.Type == expected)
        {
            HandleVoteResponse(m);
            return RaftRefusal.None;
        }
        if (m.Type is not (RaftMessageType.App or RaftMessageType.Heartbeat)) return RaftRefusal.None;
        // A leader of the same term was elected by others: the election is lost (paper section 5.2).
        BecomeFollower(Term, m.From);
        return StepFollower(m);
    }

    private void HandleVoteResponse(RaftMessage m)
    {
        if (!_members.TryGetValue(m.From, out var member) || member.IsLearner) return;
        if (_config.PreVote && m.Reject && !_announced.Contains(m.From)) Yield();
        var granted = CountVote(m.From, !m.Reject);
        if (granted >= Quorum) WinElection(Role == RaftRole.PreCandidate);
        // A majority has refused: waiting for the rest cannot help.
        else if (_votes.Count - granted >= Quorum) BecomeFollower(Term, 0);
    }

    /// <summary>A leader without pre-vote counts with slow followers: GoQuorum's is silent while it imports a block.</summary>
    private bool HasSlowLeader => _config.PreVote && Leader != 0 && Leader != Id && !_announced.Contains(Leader);

    /// <summary>A member without pre-vote waits longer than this one before it campaigns, and starts to wait anew with every
    /// term. If its log is the longer one, it must be let come first, or nobody is ever elected.</summary>
    private void Yield()
    {
        if (_yields) return;
        _yields = true;
        ResetElectionTimeout();
    }

    private void EndYielding()
    {
        _yields = false;
        ResetElectionTimeout();
    }

    private void HandleTimeoutNow()
    {
        // No pre-vote: the others still hear the old leader and would refuse it. The transfer context lets the request past that
        // rule.
        if (IsVoter && !OwesEntries && !HasUnappliedConfChange()) Campaign(false, transfer: true);
    }
}
