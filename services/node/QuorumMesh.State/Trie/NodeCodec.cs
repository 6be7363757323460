using System.Buffers;
using QuorumMesh.Primitives;

namespace QuorumMesh.State.Trie;

/// <summary>RLP of trie nodes (Yellow Paper, appendices C and D).</summary>
internal static class NodeCodec
{
    /// <summary>A node without a long value fits.</summary>
    private const int UsualSize = 640;

    /// <summary>The reference that a parent holds: the hash, or the node itself when its RLP is shorter than 32 bytes.</summary>
    public static TrieChild Seal(TrieNode node, int depth)
    {
        Span<byte> usual = stackalloc byte[UsualSize];
        var most = MostBytes(node);
        var rented = most > UsualSize ? ArrayPool<byte>.Shared.Rent(most) : null;
        var buffer = rented ?? usual;
        var length = Encode(node, depth, buffer);
        // Yellow Paper, appendix D: a node shorter than a hash stands in its parent itself.
        var child = length < Hash256.Size ? new TrieChild(node, default, false) : new TrieChild(node, Keccak.Hash(buffer[..length]), true);
        if (rented is not null) ArrayPool<byte>.Shared.Return(rented);
        return child;
    }

    /// <summary>The root has a hash whatever its length.</summary>
    public static TrieChild SealRoot(TrieNode? node)
    {
        if (node is null) return default;
        var child = Seal(node, 0);
        return child.IsHashed ? child : new TrieChild(node, Keccak.Hash(Encode(node, 0)), true);
    }

    public static byte[] Encode(TrieNode node, int depth)
    {
        byte[] buffer = [];
        return Encode(node, depth, ref buffer).ToArray();
    }

    /// <param name="buffer">Grows when the node does not fit; holds the answer.</param>
    public static ReadOnlySpan<byte> Encode(TrieNode node, int depth, ref byte[] buffer)
    {
        var most = MostBytes(node);
        if (buffer.Length < most) buffer = new byte[Math.Max(most, UsualSize)];
        return buffer.AsSpan(0, Encode(node, depth, buffer));
    }

    /// <param name="depth">Nibbles above the node.</param>
    /// <returns>Bytes written.</returns>
    private static int Encode(TrieNode node, int depth, Span<byte> target) => node switch
    {
        BranchNode branch => EncodeBranch(branch, depth, target),
        LeafNode leaf => EncodeLeaf(leaf, depth, target),
        _ => EncodeExtension((ExtensionNode)node, depth, target),
    };

    private static int EncodeBranch(BranchNode branch, int depth, Span<byte> target)
    {
        var at = NodeRlp.HeaderRoom;
        for (var i = 0; i < 16; i++)
        {
            if (branch.IsHashed(i)) at = NodeRlp.WriteHash(target, at, branch.HashAt(i));
            else if (branch.IsPresent(i)) at += Encode(branch.NodeAt(i)!, depth + 1, target[at..]);
            else target[at++] = NodeRlp.Empty;
        }

        at = NodeRlp.WriteString(target, at, branch.Value);
        return NodeRlp.CloseList(target, at);
    }

    private static int EncodeLeaf(LeafNode leaf, int depth, Span<byte> target)
    {
        var at = NodeRlp.WriteHexPrefix(target, NodeRlp.HeaderRoom, leaf.Key, depth, isLeaf: true);
        at = NodeRlp.WriteString(target, at, leaf.Value);
        return NodeRlp.CloseList(target, at);
    }

    private static int EncodeExtension(ExtensionNode extension, int depth, Span<byte> target)
    {
        var at = NodeRlp.WriteHexPrefix(target, NodeRlp.HeaderRoom, extension.End, depth, isLeaf: false);
        ref readonly var child = ref extension.Child;
        if (child.IsHashed) at = NodeRlp.WriteHash(target, at, child.Hash);
        else at += Encode(child.Node!, extension.End.Length, target[at..]);
        return NodeRlp.CloseList(target, at);
    }

    /// <summary>Above the length of the RLP, with what lies inline in it.</summary>
    private static int MostBytes(TrieNode node) => node switch
    {
        BranchNode branch => 16 * 33 + branch.Value.Length + 16,
        LeafNode leaf => leaf.Value.Length + 64,
        _ => 128,
    };

    /// <param name="encoded">RLP that was written here and verified by its hash, so that it is known to be well formed.</param>
    /// <param name="path">Place of the node.</param>
    public static TrieNode Decode(ReadOnlySpan<byte> encoded, in NibblePath path)
    {
        var first = NodeRlp.ListStart(encoded);
        var second = NodeRlp.ItemEnd(encoded, first);
        var node = NodeRlp.ItemEnd(encoded, second) != encoded.Length
            ? DecodeBranch(encoded, first, path)
            : DecodeShort(NodeRlp.String(encoded, first), encoded[second..], path);
        node.IsStored = true;
        return node;
    }

    private static BranchNode DecodeBranch(ReadOnlySpan<byte> encoded, int at, in NibblePath path)
    {
        var branch = new BranchNode(ChildrenOf(encoded, at));
        for (var i = 0; i < 16; i++)
        {
            var end = NodeRlp.ItemEnd(encoded, at);
            if (encoded[at] != NodeRlp.Empty) branch.Put(i, Reference(encoded[at..end], path.Append(i)));
            at = end;
        }

        var value = NodeRlp.String(encoded, at);
        if (value.Length > 0) branch.PutValue(value.ToArray());
        return branch;
    }

    private static ushort ChildrenOf(ReadOnlySpan<byte> encoded, int at)
    {
        var children = 0;
        for (var i = 0; i < 16; i++)
        {
            if (encoded[at] != NodeRlp.Empty) children |= 1 << i;
            at = NodeRlp.ItemEnd(encoded, at);
        }

        return (ushort)children;
    }

    private static TrieNode DecodeShort(ReadOnlySpan<byte> hexPrefix, ReadOnlySpan<byte> item, in NibblePath path)
    {
        var end = NodeRlp.ReadHexPrefix(hexPrefix, path, out var isLeaf);
        return isLeaf ? new LeafNode(end, NodeRlp.String(item, 0).ToArray()) : new ExtensionNode(end, Reference(item, end));
    }

    private static TrieChild Reference(ReadOnlySpan<byte> item, in NibblePath path) =>
        item[0] == NodeRlp.HashHeader ? new TrieChild(null, new Hash256(item[1..]), true)
            : new TrieChild(Decode(item, path), default, false);
}
