using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Raft;

/// <summary>
/// A snapshot comes by post, which anyone can send in the leader's name, and it would replace log and membership. So by itself
/// it has no effect: it waits until the leader stands by it on its stream. One of ours names the digest in its heartbeats;
/// etcd's goes on right after the snapshot, with an append that follows its last entry.
/// </summary>
public sealed partial class RaftCore
{
    private RaftSnapshot? _offer;
    private (ulong From, byte[] Digest)? _expected; // what the leader's last heartbeat said that it has sent
    private (RaftSnapshot Snapshot, byte[] Digest)? _digest; // of the last snapshot sent

    private RaftRefusal Offer(RaftMessage m)
    {
        var snapshot = m.Snapshot!;
        if (!IsNews(snapshot))
        {
            // Already committed here, or the log holds that entry: nothing to install, and the leader learns how far this member
            // is.
            if (m.Term == Term) Send(new RaftMessage { To = m.From, Type = RaftMessageType.AppResp, Index = _log.Committed });
            return RaftRefusal.None;
        }
        if (_expected is { } expected && expected.From == m.From)
        {
            // The heartbeat came on the stream that this member opened to the leader's own address, the snapshot by an open port.
            // They must agree.
            if (!expected.Digest.AsSpan().SequenceEqual(DigestOf(snapshot))) return RaftRefusal.DoubtfulSnapshot;
            Install(snapshot, m.From);
            return RaftRefusal.None;
        }
        var contradicts = _offer is { } held && held.Index == snapshot.Index && held.Term == snapshot.Term && !IsSame(held, snapshot);
        // Two snapshots of one index: one is forged. Of an etcd leader's neither can be told to be the right one, so both go and
        // the leader sends again. One of ours names the digest, and the right one passes when it comes again.
        _offer = contradicts && !_announced.Contains(m.From) ? null : snapshot;
        return contradicts ? RaftRefusal.DoubtfulSnapshot : RaftRefusal.None;
    }

    /// <summary>GoQuorum's newcomer learns who the members are from a snapshot that names it, and answers nobody before
    /// (raft/snapshot.go, updateClusterMembership). So a member that has never answered gets one unasked.</summary>
    private void OfferFirst(ulong id, RaftProgress progress)
    {
        if (progress.Match > 0 || progress.State != RaftProgressState.Probe || _announced.Contains(id)) return;
        if (_ticks - Math.Max(progress.HeardAt, progress.OfferedAt) < _config.SlowElectionTicks) return;
        if (_log.Snapshot() is not { } snapshot || !snapshot.ConfState.Contains(id)) return;
        progress.OfferedAt = _ticks;
        SendSnapshot(id, progress, snapshot);
    }

    private bool IsNews(RaftSnapshot snapshot) => snapshot.Index > _log.Committed && !_log.Matches(snapshot.Index, snapshot.Term);

    private void HearDigest(RaftMessage heartbeat)
    {
        _expected = heartbeat.Context is { Length: Hash256.Size } digest ? (heartbeat.From, digest) : null;
        if (_expected is null || _offer is not { } offer || !IsNews(offer)) return;
        if (heartbeat.Context.AsSpan().SequenceEqual(DigestOf(offer))) Install(offer, heartbeat.From);
    }

    private void HearAppendAfterOffer(RaftMessage append)
    {
        if (_announced.Contains(append.From) || _offer is not { } offer || offer.Index != append.Index
            || offer.Term != append.LogTerm) return;
        if (IsNews(offer)) Install(offer, null);
    }

    private void Install(RaftSnapshot snapshot, ulong? answerTo)
    {
        _offer = null;
        // Log and membership change together: entries after the snapshot rest on the members that it names.
        _log.Restore(snapshot);
        SetMembers(snapshot.ConfState);
        if (answerTo is { } leader) Send(new RaftMessage { To = leader, Type = RaftMessageType.AppResp, Index = snapshot.Index });
    }

    private byte[] SentDigest(RaftSnapshot snapshot)
    {
        if (!ReferenceEquals(_digest?.Snapshot, snapshot)) _digest = (snapshot, DigestOf(snapshot));
        return _digest!.Value.Digest;
    }

    private static byte[] DigestOf(RaftSnapshot snapshot)
    {
        var digest = new byte[Hash256.Size];
        Keccak.Hash(RaftWire.Encode(snapshot)).CopyTo(digest);
        return digest;
    }

    private static bool IsSame(RaftSnapshot a, RaftSnapshot b) => RaftWire.Encode(a).AsSpan().SequenceEqual(RaftWire.Encode(b));
}
