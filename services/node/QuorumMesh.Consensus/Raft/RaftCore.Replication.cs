namespace QuorumMesh.Consensus.Raft;

public sealed partial class RaftCore
{
    private void StepLeader(RaftMessage m)
    {
        if (m.Type == RaftMessageType.Prop)
        {
            AppendProposal(m.Entries);
            return;
        }
        if (!_members.TryGetValue(m.From, out var progress)) return;
        // Any message of a member proves contact. Only members reach this point, so a stranger cannot keep a leader in office.
        progress.HeardAt = _ticks;
        switch (m.Type)
        {
            case RaftMessageType.AppResp: HandleAppendResponse(m, progress); break;
            case RaftMessageType.HeartbeatResp: HandleHeartbeatResponse(m, progress); break;
            case RaftMessageType.TransferLeader: HandleTransfer(m.From, progress); break;
        }
    }

    private RaftRefusal StepFollower(RaftMessage m)
    {
        switch (m.Type)
        {
            case RaftMessageType.App: return HandleAppend(m);
            case RaftMessageType.Heartbeat: return HandleHeartbeat(m);
            case RaftMessageType.Prop: StepProposal(m); break;
            case RaftMessageType.TimeoutNow: HandleTimeoutNow(); break;
            case RaftMessageType.TransferLeader when Leader != 0: Send(m with { To = Leader }); break;
        }
        return RaftRefusal.None;
    }

    private void HearLeader(ulong from)
    {
        _electionElapsed = 0;
        if (Leader == from && !_yields && !_hurried) return;
        (Leader, _yields) = (from, false);
        ResetElectionTimeout();
    }

    private bool AppendProposal(IReadOnlyList<RaftEntry> proposed)
    {
        // While leadership is handed over nothing new is appended: the target could never become complete.
        if (!IsMember || _transferTarget != 0) return false;
        ulong size = 0;
        foreach (var entry in proposed) size += (ulong)entry.Data.Length;
        // One proposal is always let in, whatever its size; empty entries never count.
        if (_uncommittedSize > 0 && size > 0 && _uncommittedSize + size > _config.MaxUncommittedSize) return false;
        var entries = proposed.ToArray();
        for (var i = 0; i < entries.Length; i++)
        {
            if (entries[i].Type != RaftEntryType.ConfChange) continue;
            // One change of membership at a time (Raft thesis, section 4.1): a second one becomes an empty entry, as in etcd, so
            // that what was proposed with it keeps its place.
            if (_pendingConfIndex > _log.Applied) entries[i] = new RaftEntry(0, 0, RaftEntryType.Normal, []);
            else _pendingConfIndex = _log.LastIndex + 1 + (ulong)i;
        }
        _uncommittedSize += size;
        AppendEntries(entries);
        BroadcastAppend();
        return true;
    }

    private void AppendEntries(RaftEntry[] entries)
    {
        var last = _log.LastIndex;
        _log.Append(entries.Select((e, i) => e with { Term = Term, Index = last + 1 + (ulong)i }));
        // The own copy counts before it is flushed. That is safe because appends leave only after the flush (see RaftReady):
        // nobody can acknowledge an entry that the leader could still lose.
        if (_members.TryGetValue(Id, out var self)) self.MaybeUpdate(_log.LastIndex);
        MaybeCommit();
    }

    /// <summary>Section 5.4.2: only entries of this leader's own term are committed by counting.</summary>
    private bool MaybeCommit()
    {
        var matches = _members.Values.Where(m => !m.IsLearner).Select(m => m.Match).OrderDescending().ToArray();
        // The match that a quorum has reached, voters in falling order. An entry of an older term held by a majority may still be
        // overwritten (paper, figure 8), so MaybeCommit compares terms.
        return matches.Length > 0 && _log.MaybeCommit(matches[Quorum - 1], Term);
    }

    private void BroadcastAppend()
    {
        foreach (var (id, progress) in _members)
            if (id != Id) SendAppend(id, progress);
    }

    private void SendAppend(ulong to, RaftProgress progress)
    {
        if (progress.IsPaused) return;
        var previous = progress.Next - 1;
        // What the member needs is compacted away: only a snapshot helps.
        if (!_log.TryTerm(previous, out var term)
            || !_log.TrySlice(progress.Next, ulong.MaxValue, _config.MaxSizePerMessage, out var entries))
        {
            SendSnapshot(to, progress);
            return;
        }
        Send(new RaftMessage
        {
            To = to,
            Type = RaftMessageType.App,
            Index = previous,
            LogTerm = term,
            Entries = entries,
            Commit = _log.Committed
        });
        if (entries.Count == 0) return;
        // Where logs match, the next append need not wait for the answer to this one. While the place is still searched, one goes
        // out at a time.
        if (progress.State == RaftProgressState.Replicate) progress.Sent(entries);
        else progress.Pause();
    }

    /// <summary>
    /// A member that lags gets appends as fast as its window allows (etcd 3.3 sends one per answer or heartbeat; 3.4 does this).
    /// </summary>
    private void SendBacklog(ulong to, RaftProgress progress)
    {
        while (progress.State == RaftProgressState.Replicate && !progress.IsPaused && progress.Next <= _log.LastIndex)
        {
            var next = progress.Next;
            SendAppend(to, progress);
            if (progress.Next == next) return;
        }
    }

    private void SendSnapshot(ulong to, RaftProgress progress)
    {
        // A member that never answered would be sent a whole snapshot again and again.
        if (progress.RecentActive && _log.Snapshot() is { } snapshot) SendSnapshot(to, progress, snapshot);
    }

    private void SendSnapshot(ulong to, RaftProgress progress, RaftSnapshot snapshot)
    {
        Send(new RaftMessage { To = to, Type = RaftMessageType.Snap, Snapshot = snapshot });
        progress.BecomeSnapshot(snapshot.Index, SentDigest(snapshot));
    }

    /// <summary>The commit index sent never passes what the member is known to hold.</summary>
    private void SendHeartbeat(ulong to, RaftProgress progress) =>
        Send(new RaftMessage
        {
            To = to,
            Type = RaftMessageType.Heartbeat,
            // A heartbeat carries no entries to compare: past its match the member may hold other entries, and would commit
            // those.
            Commit = Math.Min(progress.Match, _log.Committed),
            Context = progress.SnapshotDigest,
        });

    private void HandleAppendResponse(RaftMessage m, RaftProgress progress)
    {
        progress.RecentActive = true;
        if (m.Reject)
        {
            // Appends overtake each other on reconnects. A rejection of an older one must not move Next back.
            if (!progress.MaybeDecrease(m.Index, m.RejectHint)) return;
            if (progress.State == RaftProgressState.Replicate) progress.BecomeProbe();
            SendAppend(m.From, progress);
            return;
        }
        if (m.Index > _log.LastIndex) return; // nothing past the own log can have been acknowledged
        var wasPaused = progress.IsPaused;
        if (!progress.MaybeUpdate(m.Index)) return;
        if (progress.State == RaftProgressState.Probe) progress.BecomeReplicate();
        // The member has got past the snapshot some other way, and no report will come.
        else if (progress.NeedsSnapshotAbort) progress.BecomeProbe();
        else if (progress.State == RaftProgressState.Replicate) progress.FreeTo(m.Index);
        // Followers learn the commit index with the next append or heartbeat; sending at once spares a heartbeat's wait for each
        // block.
        if (MaybeCommit()) BroadcastAppend();
        else if (wasPaused) SendAppend(m.From, progress);
        SendBacklog(m.From, progress);
        // Only a member with the whole log can win the election that it is told to start.
        if (m.From == _transferTarget && progress.Match == _log.LastIndex) SendTimeoutNow(m.From);
    }

    private void HandleHeartbeatResponse(RaftMessage m, RaftProgress progress)
    {
        progress.RecentActive = true;
        progress.Resume();
        // An append or its answer may be lost. A member that answers heartbeats gets one more append, or a full window would stay
        // full for ever.
        progress.FreeOneIfFull();
        if (progress.Match < _log.LastIndex) SendAppend(m.From, progress);
    }

    private void HandleTransfer(ulong target, RaftProgress progress)
    {
        if (progress.IsLearner || target == Id || target == _transferTarget) return;
        _electionElapsed = 0; // the transfer has one election timeout to finish
        _transferTarget = target;
        if (progress.Match == _log.LastIndex) SendTimeoutNow(target);
        else SendAppend(target, progress);
    }

    private void SendTimeoutNow(ulong to) => Send(new RaftMessage { To = to, Type = RaftMessageType.TimeoutNow });

    private RaftRefusal HandleAppend(RaftMessage m)
    {
        HearLeader(m.From);
        // An old append, overtaken by others: what it says is committed here already. The answer moves the leader's match
        // forward.
        if (m.Index < _log.Committed)
        {
            Send(new RaftMessage { To = m.From, Type = RaftMessageType.AppResp, Index = _log.Committed });
            return RaftRefusal.None;
        }
        if (!_log.Matches(m.Index, m.LogTerm)) HearAppendAfterOffer(m);
        // The answer is queued with the entries and leaves after they are flushed: an acknowledgement is a promise that they
        // survive a power loss.
        if (_log.MaybeAppend(m.Index, m.LogTerm, m.Commit, m.Entries) is { } last)
            Send(new RaftMessage { To = m.From, Type = RaftMessageType.AppResp, Index = last });
        else
            Send(new RaftMessage
            {
                To = m.From,
                Type = RaftMessageType.AppResp,
                Index = m.Index,
                Reject = true,
                RejectHint = _log.LastIndex
            });
        return RaftRefusal.None;
    }

    /// <summary>A leader's commit index never passes what it knows this member to hold.</summary>
    private RaftRefusal HandleHeartbeat(RaftMessage m)
    {
        HearLeader(m.From);
        HearDigest(m);
        // A commit index past the own log means that acknowledged entries were lost. etcd panics here. A stranger's message must
        // not stop a node, so it is refused, and the debt keeps this member from electing anyone.
        var isHeld = m.Commit <= _log.LastIndex;
        if (isHeld) _log.CommitTo(m.Commit);
        else _owed = Math.Max(_owed, m.Commit);
        Send(new RaftMessage { To = m.From, Type = RaftMessageType.HeartbeatResp, Context = m.Context });
        return isHeld ? RaftRefusal.None : RaftRefusal.PastLog;
    }
}
