using QuorumMesh.Consensus.Raft;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.RaftHttp;

/// <summary>A block that is sent, and those of its transactions that are here still: whoever lacks one of them gets it here.</summary>
/// <param name="Here">By their hashes. All others go along, for nobody might have them any more.</param>
internal sealed record NameableBlock(BlockOutline Outline, IReadOnlySet<Hash256> Here)
{
    public static NameableBlock Of(byte[] data, RaftTransactions transactions)
    {
        var outline = BlockOutline.Of(data);
        if (outline.Count == 0) return new NameableBlock(outline, new HashSet<Hash256>());
        var hashes = outline.Hashes;
        var found = transactions.Find(hashes);
        return new NameableBlock(outline, hashes.Where((_, i) => !found[i].IsEmpty).ToHashSet());
    }
}
