using QuorumMesh.Node.Runtime;

namespace QuorumMesh.Node.Rpc.Api;

/// <summary>Reads from snapshots, and gives the private head a moment to catch up where a read needs it.</summary>
internal sealed class NodeReader(INode node, TimeSpan privateHeadWait)
{
    /// <param name="read">Runs at most twice, and has no effects.</param>
    public async ValueTask<T> ReadAsync<T>(CancellationToken cancellation, Func<ReadScope, T> read)
    {
        ulong latest;
        using (var view = node.OpenView())
        {
            latest = view.Head;
            try
            {
                return read(new ReadScope(view, latest));
            }
            catch (PrivateStateBehindException) when (privateHeadWait > TimeSpan.Zero)
            {
                // Once more below, when the private head had time to follow.
            }
        }
        await node.WaitForPrivateHeadAsync(latest, privateHeadWait, cancellation).ConfigureAwait(false);
        using var later = node.OpenView();
        return read(new ReadScope(later, latest));
    }
}
