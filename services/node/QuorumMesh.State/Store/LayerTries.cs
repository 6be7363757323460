using QuorumMesh.Primitives;
using QuorumMesh.State.Trie;

namespace QuorumMesh.State.Store;

/// <summary>The tries that a block changed, as they are after it.</summary>
internal sealed class LayerTries
{
    public TrieChild Accounts { get; set; }

    public Dictionary<Address, TrieChild> Storage { get; } = [];

    /// <summary>Places where the block left no node.</summary>
    public List<TrieNodeKey> Vanished { get; } = [];

    /// <summary>Approximate memory of the nodes made and loaded for it.</summary>
    public long Bytes { get; set; }

    public void Note(TrieUpdate update, in Address? owner)
    {
        Bytes += update.Bytes;
        foreach (var path in update.Vanished)
            Vanished.Add(new TrieNodeKey(owner, path));
    }
}
