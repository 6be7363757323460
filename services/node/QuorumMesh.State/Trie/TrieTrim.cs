using System.Numerics;

namespace QuorumMesh.State.Trie;

/// <summary>Lets nodes go that the store holds and that were not walked for a while; their hashes stay.</summary>
/// <param name="from">The oldest epoch that stays.</param>
/// <param name="leavesOnly">Leaves are the most, and a change of a key that is there can do without its leaf.</param>
internal sealed class TrieTrim(int from, bool leavesOnly)
{
    /// <summary>Memory of what stays, approximately.</summary>
    public long Kept { get; private set; }

    public TrieChild Keep(in TrieChild child) =>
        child.Node is { } node && !Stays(node, child.IsHashed) ? child with { Node = null } : child;

    private bool Stays(TrieNode node, bool isHashed)
    {
        if (isHashed && node.IsStored && node.Epoch < from && (node is LeafNode || !leavesOnly)) return false;
        Kept += node.Bytes;
        if (node is ExtensionNode extension) extension.Child = Keep(extension.Child);
        else if (node is BranchNode branch) KeepChildren(branch);
        return true;
    }

    private void KeepChildren(BranchNode branch)
    {
        for (var rest = (uint)branch.Hashed; rest != 0; rest &= rest - 1)
        {
            var index = BitOperations.TrailingZeroCount(rest);
            if (branch.NodeAt(index) is { } node && !Stays(node, isHashed: true)) branch.Drop(index);
        }

        branch.Compact();
    }
}
