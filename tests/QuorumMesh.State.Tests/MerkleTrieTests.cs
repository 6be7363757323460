using CsCheck;
using QuorumMesh.Primitives;
using QuorumMesh.State.Trie;
using QuorumMesh.Tests;

namespace QuorumMesh.State.Tests;

public class MerkleTrieTests
{
    /// <summary>Few distinct bytes and lengths: shared prefixes, keys that are prefixes of others, splits and collapses.</summary>
    private static readonly Gen<byte[]> ShortKey = Gen.Int[0, 4].Select(i => new byte[] { 0x00, 0x01, 0x10, 0x11, 0x7f }[i]).Array[1, 4];

    private static readonly Gen<byte[]> WordKey = Gen.Int[0, 60].Select(i => Keccak.Hash([(byte)i]).ToArray());

    private static Gen<(byte[] Key, int Length)[][]> Batches(Gen<byte[]> key) =>
        Gen.Select(key, Gen.Frequency((2, Gen.Const(0)), (2, Gen.Int[1, 4]), (2, Gen.Int[30, 70]))).Array[1, 12].Array[1, 12];

    [Fact]
    public void Short_keys_agree_with_a_rebuild() => Batches(ShortKey).Sample(Check, iter: 2000);

    [Fact]
    public void Word_keys_agree_with_a_rebuild() => Batches(WordKey).Sample(Check, iter: 2000);

    [Fact]
    public void Reads_find_what_was_set()
    {
        var nodes = new StoredNodes();
        for (var i = 0; i < 500; i++)
            nodes.Set(Key(i), [(byte)(i | 1), 2, 3]);
        nodes.Commit();
        for (var i = 0; i < 500; i++)
            Assert.Equal([(byte)(i | 1), 2, 3], nodes.Get(Key(i)));
        Assert.Null(nodes.Get(Key(500)));
    }

    [Fact]
    public void A_known_leaf_is_replaced_and_deleted_without_being_loaded()
    {
        var nodes = new StoredNodes();
        for (var i = 0; i < 500; i++)
            nodes.Set(Key(i), new byte[40]);
        nodes.Commit();
        var before = nodes.LeavesLoaded;
        for (var i = 0; i < 500; i++)
            nodes.Set(Key(i), [.. new byte[39], 1]);
        nodes.Commit();
        for (var i = 0; i < 500; i += 100)
            nodes.Set(Key(i), []);
        nodes.Commit();
        Assert.InRange(nodes.LeavesLoaded - before, 0, 5); // a branch that one child is left of takes its leaf in
        for (var i = 0; i < 500; i++)
            Assert.Equal(i % 100 == 0 ? null : [.. new byte[39], 1], nodes.Get(Key(i)));
    }

    [Fact]
    public void The_same_value_again_changes_nothing()
    {
        var nodes = new StoredNodes();
        for (var i = 0; i < 100; i++)
            nodes.Set(Key(i), new byte[40]);
        nodes.Commit();
        var (root, rows) = (nodes.Root, nodes.ByPlace.Count);
        nodes.Set(Key(7), new byte[40]);
        nodes.Commit();
        Assert.Equal((root, rows), (nodes.Root, nodes.ByPlace.Count));
    }

    [Fact]
    public void Split_work_gives_the_same_trie() =>
        Batches(Gen.Int[0, 400].Select(i => Keccak.Hash(BitConverter.GetBytes(i)).ToArray())).Sample(batches =>
    {
        var (whole, split) = (new StoredNodes(), new StoredNodes());
        for (var i = 0; i < 300; i++)
        {
            whole.Set(Key(i), [1, 2]);
            split.Set(Key(i), [1, 2]);
        }

        foreach (var batch in batches.Prepend([]))
        {
            // Enough changes to be split whatever the sample is.
            for (var i = 0; i < 100; i++)
            {
                whole.Set(Key(i), i % 3 == batch.Length % 3 ? [] : [(byte)batch.Length, 7]);
                split.Set(Key(i), i % 3 == batch.Length % 3 ? [] : [(byte)batch.Length, 7]);
            }

            foreach (var (key, length) in batch)
            {
                whole.Set(key, new byte[length]);
                split.Set(key, new byte[length]);
            }

            whole.Commit();
            split.Commit((count, piece) => Parallel.For(0, count, piece));
            Assert.Equal(whole.Root, split.Root);
        }

        Assert.Equal(whole.ByPlace.OrderBy(e => e.Key.ToString()).Select(e => Hex.ToHex(e.Value)),
            split.ByPlace.OrderBy(e => e.Key.ToString()).Select(e => Hex.ToHex(e.Value)));
    }, iter: 50);

    private static void Check((byte[] Key, int Length)[][] batches)
    {
        var nodes = new StoredNodes();
        var model = new Dictionary<string, KeyValuePair<byte[], byte[]>>();
        foreach (var batch in batches)
        {
            foreach (var (key, length) in batch)
            {
                var value = new byte[length];
                Array.Fill(value, (byte)(length * 7 + key[^1]));
                nodes.Set(key, value);
                model[Hex.ToHex(key)] = new(key, value);
            }

            nodes.Commit();
            Assert.Equal(TrieRoot.Of(model.Values), nodes.Root);
        }

        Assert.Equal(Rebuilt(model.Values), nodes.ByPlace.Keys.Select(k => k.ToString()).Order());
    }

    /// <summary>Places of all nodes of a fresh trie with the same content: nothing may be left over.</summary>
    private static IEnumerable<string> Rebuilt(IEnumerable<KeyValuePair<byte[], byte[]>> items)
    {
        var nodes = new StoredNodes();
        foreach (var (key, value) in items)
            nodes.Set(key, value);
        nodes.Commit();
        return nodes.ByPlace.Keys.Select(k => k.ToString()).Order();
    }

    private static byte[] Key(int i) => Keccak.Hash(BitConverter.GetBytes(i)).ToArray();
}
