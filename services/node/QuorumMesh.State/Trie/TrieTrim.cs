namespace QuorumMesh.State;

/// <summary>Lets nodes go that the store holds and that were not walked for a while; their hashes stay.</summary>
internal static class TrieTrim
{
    /// <param name="from">The oldest epoch that stays.</param>
    /// <param name="kept">Grows by the memory of what stays.</param>
    public static TrieChild Keep(in TrieChild child, int from, ref long kept)
    {
        if (child.Node is not { } node) return child;
        if (child.IsHashed && node.IsStored && node.Epoch < from) return child with { Node = null };
        kept += node.Bytes;
        if (node is ExtensionNode extension) extension.Child = Keep(extension.Child, from, ref kept);
        else if (node is BranchNode branch) KeepChildren(branch, from, ref kept);
        return child;
    }

    private static void KeepChildren(BranchNode branch, int from, ref long kept)
    {
        for (var i = 0; i < 16; i++)
        {
            if (branch.NodeAt(i) is not null) branch.Attach(i, Keep(branch[i], from, ref kept).Node);
        }
    }
}
