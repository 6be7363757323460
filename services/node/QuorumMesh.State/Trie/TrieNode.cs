using QuorumMesh.Primitives;

namespace QuorumMesh.State;

/// <summary>A node in memory. Clean while it equals its stored form, dirty after a change until encoded again.</summary>
internal abstract class TrieNode
{
    /// <summary>The RLP; null when dirty (or not loaded).</summary>
    public byte[]? Encoded { get; protected set; }

    /// <summary>Keccak-256 of the RLP; set when that has 32 bytes or more, or the node is the root.</summary>
    public Hash256 Hash { get; protected set; }

    public virtual bool IsClean => Encoded is not null;

    /// <summary>Small nodes live inside their parent.</summary>
    public virtual bool IsInline => Encoded is { Length: < 32 };

    public int ReferenceLength => IsInline ? Encoded!.Length : 33;

    public void MarkDirty() => Encoded = null;

    public void MarkClean(byte[] encoded, in Hash256 hash)
    {
        Encoded = encoded;
        Hash = hash;
    }

    public int WriteReference(byte[] target, int at)
    {
        if (IsInline)
        {
            Encoded!.CopyTo(target, at);
            return at + Encoded!.Length;
        }

        target[at] = 0xa0;
        Hash.CopyTo(target.AsSpan(at + 1));
        return at + 33;
    }
}

/// <summary>A node known by its hash only.</summary>
internal sealed class HashNode : TrieNode
{
    public HashNode(in Hash256 hash) => Hash = hash;

    public override bool IsClean => true;

    public override bool IsInline => false;
}

internal sealed class LeafNode(byte[] nibbles, byte[] value) : TrieNode
{
    public byte[] Nibbles { get; } = nibbles;

    public byte[] Value { get; set; } = value;
}

internal sealed class ExtensionNode(byte[] nibbles, TrieNode child) : TrieNode
{
    public byte[] Nibbles { get; } = nibbles;

    public TrieNode Child { get; set; } = child;
}
