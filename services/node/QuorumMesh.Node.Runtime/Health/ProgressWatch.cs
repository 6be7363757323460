using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Health;

/// <summary>The private head stands at a block for too long (<paramref name="Stands"/>), or has gone on after that.</summary>
/// <param name="Block">Where it stands, or where it is now.</param>
/// <param name="Head">The public head.</param>
/// <param name="WaitedMs">How long it has stood, in milliseconds.</param>
public sealed record PrivateHeadEvent(bool Stands, BlockPointer Block, BlockPointer Head, PayloadHash? WaitingFor, string? Reason,
    long WaitedMs);

/// <summary>How long the node has been waiting for something that should come by itself, as of the last pass of its loop.</summary>
/// <param name="PrivateHeadWaitMs">Milliseconds since the private head last moved while it is behind the public one, else 0.</param>
/// <param name="PendingWaitMs">Milliseconds since a block last came while executable transactions are pending, else 0.</param>
public sealed record NodeProgress(long PrivateHeadWaitMs, long PendingWaitMs);

/// <summary>Notices what stands still. Owned by the writer loop; sees the heads as they are after each pass.</summary>
internal sealed class ProgressWatch(NodeEvents events, long privateHeadStopsAfterMs)
{
    private NodeProgress _progress = new(0, 0);
    private BlockPointer _privateHead;
    private ulong _head;
    private long? _privateSince;
    private long? _pendingSince;
    private bool _stands;

    /// <summary>May be read from any thread.</summary>
    public NodeProgress Progress => Volatile.Read(ref _progress);

    public void Observe(NodeTime now, BlockPointer head, BlockPointer privateHead, int pending, PrivateHeadStatus status)
    {
        var hasMoved = privateHead != _privateHead;
        var waited = now.Milliseconds - (_privateSince ?? now.Milliseconds);
        if (privateHead.Number >= head.Number) _privateSince = null;
        else if (hasMoved || _privateSince is null) _privateSince = now.Milliseconds;
        if (_stands && hasMoved) Raise(stands: false, waited);
        if (!_stands && _privateSince is { } since && now.Milliseconds - since >= privateHeadStopsAfterMs)
            Raise(stands: true, now.Milliseconds - since);

        if (pending == 0) _pendingSince = null;
        else if (head.Number != _head || _pendingSince is null) _pendingSince = now.Milliseconds;
        (_privateHead, _head) = (privateHead, head.Number);
        var progress = new NodeProgress(Since(_privateSince), Since(_pendingSince));
        if (progress != _progress) Volatile.Write(ref _progress, progress);

        long Since(long? start) => start is { } at ? now.Milliseconds - at : 0;

        void Raise(bool stands, long milliseconds)
        {
            _stands = stands;
            events.Raise(new PrivateHeadEvent(stands, privateHead, head, stands ? status.WaitingFor : null, stands ? status.Reason : null,
                milliseconds));
        }
    }
}
