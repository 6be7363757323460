using QuorumMesh.Primitives;

namespace QuorumMesh.State.Trie;

/// <summary>Nodes that are known by their hash alone.</summary>
internal static class TrieLoading
{
    /// <exception cref="StateCorruptException">The source has none that fits.</exception>
    public static TrieNode Load(ITrieNodeSource? source, in Address? owner, in Hash256 hash, in NibblePath path)
    {
        var key = new TrieNodeKey(owner, path);
        if (source is null) throw new StateCorruptException($"no store to load the node of the {key} from");
        return NodeRow.Decode(source.LoadNode(key, hash), path);
    }
}
