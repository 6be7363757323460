using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Trie;
using QuorumMesh.Tests;

namespace QuorumMesh.State.Tests;

public class NodeRowTests
{
    [Fact]
    public void Every_flipped_bit_of_a_row_is_found()
    {
        var (branch, hash) = Branch();
        var row = RowOf(branch, 0);
        Assert.True(NodeRow.Fits(row, hash));
        for (var bit = 0; bit < row.Length * 8; bit++)
        {
            var flipped = row.ToArray();
            flipped[bit / 8] ^= (byte)(1 << bit % 8);
            Assert.False(NodeRow.Fits(flipped, hash), $"bit {bit}");
        }

        for (var length = 0; length < row.Length; length++)
            Assert.True(length == row.Length - 4 || !NodeRow.Fits(row.AsSpan(0, length), hash), $"{length} bytes");
        Assert.False(NodeRow.Fits([.. row, 0], hash));
    }

    [Fact]
    public void The_leaves_of_a_branch_are_known_when_it_is_read_again()
    {
        var read = (BranchNode)NodeRow.Decode(RowOf(Branch().Branch, 0), default);
        Assert.Equal([3, 9], Enumerable.Range(0, 16).Where(read.IsDroppedLeaf));
        Assert.Equal((1 << 3) | (1 << 9), read.KnownLeaves());
    }

    /// <summary>As rows were before leaves were told apart.</summary>
    [Fact]
    public void A_row_of_the_RLP_alone_is_read()
    {
        var (branch, hash) = Branch();
        var rlp = NodeCodec.Encode(branch, 0);
        Assert.True(NodeRow.Fits(rlp, hash));
        var read = (BranchNode)NodeRow.Decode(rlp, default);
        Assert.Equal((3, 0), (read.Count, (int)read.KnownLeaves()));
    }

    [Fact]
    public void A_leaf_that_is_let_go_is_remembered_and_another_child_forgotten()
    {
        var branch = Branch().Branch;
        branch.Drop(3);
        branch.Drop(5);
        Assert.Equal([3], Enumerable.Range(0, 16).Where(branch.IsDroppedLeaf));
        Assert.Equal((1 << 3) | (1 << 9), branch.KnownLeaves());
        branch.Put(3, branch[5]);
        Assert.Equal(1 << 9, branch.KnownLeaves());
    }

    internal static byte[] RowOf(TrieNode node, int depth)
    {
        byte[] buffer = [];
        var batch = new KeyValueBatch();
        NodeRow.Put(batch, "k"u8, node, depth, ref buffer);
        return batch.Operations.Single().Value!;
    }

    /// <summary>Two leaves and an extension.</summary>
    private static (BranchNode Branch, Hash256 Hash) Branch()
    {
        var keys = new[] { Key(3, 1), Key(5, 2), Key(5, 3), Key(9, 4) };
        var root = new TrieUpdate(null, null, epoch: 1).Apply(default, [.. keys.Select(k => new TrieChange(k, new byte[40]))]);
        return ((BranchNode)root.Node!, root.RootHash);

        static NibblePath Key(int first, int last) => NibblePath.OfKey([(byte)(first << 4), .. new byte[30], (byte)last]);
    }
}
