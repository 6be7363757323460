using System.Buffers.Binary;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.State.Trie;

/// <summary>
/// A node as the store has it: its RLP, and behind that of a branch with leaves below it which of the children those are, a bit
/// each (uint16, little endian), and the same bits inverted: the node's hash covers the RLP alone.
/// </summary>
internal static class NodeRow
{
    private const int TailSize = 4;

    /// <param name="buffer">Grows when the node does not fit.</param>
    public static void Put(KeyValueBatch batch, ReadOnlySpan<byte> key, TrieNode node, int depth, ref byte[] buffer)
    {
        var encoded = NodeCodec.Encode(node, depth, ref buffer);
        var leaves = (node as BranchNode)?.KnownLeaves() ?? 0;
        if (leaves == 0)
        {
            batch.Put(key, encoded);
            return;
        }

        var row = batch.Put(key, encoded.Length + TailSize);
        encoded.CopyTo(row);
        BinaryPrimitives.WriteUInt32LittleEndian(row[encoded.Length..], leaves | (uint)(ushort)~leaves << 16);
    }

    /// <summary>True when the row is undamaged and of the node with this hash.</summary>
    public static bool Fits(ReadOnlySpan<byte> row, in Hash256 hash)
    {
        var length = RlpLength(row);
        return length > 0 && (length == row.Length || length == row.Length - TailSize && TailFits(row[length..]))
            && Keccak.Hash(row[..length]) == hash;
    }

    /// <param name="row">One that <see cref="Fits"/>.</param>
    /// <param name="path">Place of the node.</param>
    public static TrieNode Decode(ReadOnlySpan<byte> row, in NibblePath path)
    {
        var length = RlpLength(row);
        var node = NodeCodec.Decode(row[..length], path);
        if (length < row.Length && node is BranchNode branch) branch.MarkLeaves(BinaryPrimitives.ReadUInt16LittleEndian(row[length..]));
        return node;
    }

    private static bool TailFits(ReadOnlySpan<byte> tail)
    {
        var both = BinaryPrimitives.ReadUInt32LittleEndian(tail);
        return (ushort)both == (ushort)~(both >> 16);
    }

    /// <summary>Of the list at the start; -1 when there is none.</summary>
    private static int RlpLength(ReadOnlySpan<byte> row)
    {
        if (row.Length == 0 || row[0] < 0xc0) return -1;
        var size = Math.Max(row[0] - 0xf7, 0);
        if (size == 0) return 1 + row[0] - 0xc0;
        if (size > 4 || row.Length < 1 + size) return -1;
        var length = 0L;
        foreach (var part in row.Slice(1, size))
            length = length << 8 | part;
        return length <= row.Length ? (int)length + 1 + size : -1;
    }
}
