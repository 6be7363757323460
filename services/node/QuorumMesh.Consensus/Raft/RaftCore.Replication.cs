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
        if (!IsMember || _transferTarget != 0) return false;
        ulong size = 0;
        foreach (var entry in proposed) size += (ulong)entry.Data.Length;
        // One proposal is always let in, whatever its size; empty entries never count.
        if (_uncommittedSize > 0 && size > 0 && _uncommittedSize + size > _config.MaxUncommittedSize) return false;
        var entries = proposed.ToArray();
        for (var i = 0; i < entries.Length; i++)
        {
            if (entries[i].Type != RaftEntryType.ConfChange) continue;
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
        if (_members.TryGetValue(Id, out var self)) self.MaybeUpdate(_log.LastIndex);
        MaybeCommit();
    }

    /// <summary>Section 5.4.2: only entries of this leader's own term are committed by counting.</summary>
    private bool MaybeCommit()
    {
        var matches = _members.Values.Where(m => !m.IsLearner).Select(m => m.Match).OrderDescending().ToArray();
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
        if (!_log.TryTerm(previous, out var term) || !_log.TrySlice(progress.Next, ulong.MaxValue, _config.MaxSizePerMessage, out var entries))
        {
            SendSnapshot(to, progress);
            return;
        }
        Send(new RaftMessage { To = to, Type = RaftMessageType.App, Index = previous, LogTerm = term, Entries = entries, Commit = _log.Committed });
        if (entries.Count == 0) return;
        if (progress.State == RaftProgressState.Replicate) progress.Sent(entries[^1].Index);
        else progress.Pause();
    }

    /// <summary>A member that lags gets appends as fast as its window allows (etcd 3.3 sends one per answer or heartbeat; 3.4 does this).</summary>
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
            Commit = Math.Min(progress.Match, _log.Committed),
            Context = progress.SnapshotDigest,
        });

    private void HandleAppendResponse(RaftMessage m, RaftProgress progress)
    {
        progress.RecentActive = true;
        if (m.Reject)
        {
            if (!progress.MaybeDecrease(m.Index, m.RejectHint)) return;
            if (progress.State == RaftProgressState.Replicate) progress.BecomeProbe();
            SendAppend(m.From, progress);
            return;
        }
        if (m.Index > _log.LastIndex) return; // nothing past the own log can have been acknowledged
        var wasPaused = progress.IsPaused;
        if (!progress.MaybeUpdate(m.Index)) return;
        if (progress.State == RaftProgressState.Probe) progress.BecomeReplicate();
        else if (progress.NeedsSnapshotAbort) progress.BecomeProbe();
        else if (progress.State == RaftProgressState.Replicate) progress.FreeTo(m.Index);
        if (MaybeCommit()) BroadcastAppend();
        else if (wasPaused) SendAppend(m.From, progress);
        SendBacklog(m.From, progress);
        if (m.From == _transferTarget && progress.Match == _log.LastIndex) SendTimeoutNow(m.From);
    }

    private void HandleHeartbeatResponse(RaftMessage m, RaftProgress progress)
    {
        progress.RecentActive = true;
        progress.Resume();
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
        if (m.Index < _log.Committed)
        {
            Send(new RaftMessage { To = m.From, Type = RaftMessageType.AppResp, Index = _log.Committed });
            return RaftRefusal.None;
        }
        if (!_log.Matches(m.Index, m.LogTerm)) HearAppendAfterOffer(m);
        if (_log.MaybeAppend(m.Index, m.LogTerm, m.Commit, m.Entries) is { } last)
            Send(new RaftMessage { To = m.From, Type = RaftMessageType.AppResp, Index = last });
        else
            Send(new RaftMessage { To = m.From, Type = RaftMessageType.AppResp, Index = m.Index, Reject = true, RejectHint = _log.LastIndex });
        return RaftRefusal.None;
    }

    /// <summary>A leader's commit index never passes what it knows this member to hold.</summary>
    private RaftRefusal HandleHeartbeat(RaftMessage m)
    {
        HearLeader(m.From);
        HearDigest(m);
        var isHeld = m.Commit <= _log.LastIndex;
        if (isHeld) _log.CommitTo(m.Commit);
        else _owed = Math.Max(_owed, m.Commit);
        Send(new RaftMessage { To = m.From, Type = RaftMessageType.HeartbeatResp, Context = m.Context });
        return isHeld ? RaftRefusal.None : RaftRefusal.PastLog;
    }
}
