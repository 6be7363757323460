using CsCheck;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Tests;

public class MerkleTrieTests
{
    /// <summary>Few distinct bytes and lengths: shared prefixes, keys that are prefixes of others, splits and collapses.</summary>
    private static readonly Gen<byte[]> ShortKey = Gen.Int[0, 4].Select(i => new byte[] { 0x00, 0x01, 0x10, 0x11, 0x7f }[i]).Array[1, 4];

    private static readonly Gen<byte[]> WordKey = Gen.Int[0, 60].Select(i => Keccak.Hash([(byte)i]).ToArray());

    private static Gen<(byte[] Key, int Length)[][]> Batches(Gen<byte[]> key) =>
        Gen.Select(key, Gen.Frequency((2, Gen.Const(0)), (2, Gen.Int[1, 4]), (2, Gen.Int[30, 70]))).Array[1, 12].Array[1, 12];

    [Fact]
    public void ShortKeysAgreeWithARebuild() => Batches(ShortKey).Sample(Check, iter: 2000);

    [Fact]
    public void WordKeysAgreeWithARebuild() => Batches(WordKey).Sample(Check, iter: 2000);

    [Fact]
    public void ReadsFindWhatWasSet()
    {
        var nodes = new StoredNodes();
        var trie = nodes.Open();
        for (var i = 0; i < 500; i++)
            trie.Set(Key(i), [(byte)(i | 1), 2, 3]);
        nodes.Commit(trie);
        for (var i = 0; i < 500; i++)
            Assert.Equal([(byte)(i | 1), 2, 3], nodes.Open().Get(Key(i)));
        Assert.Null(nodes.Open().Get(Key(500)));
    }

    private static void Check((byte[] Key, int Length)[][] batches)
    {
        var nodes = new StoredNodes();
        var model = new Dictionary<string, KeyValuePair<byte[], byte[]>>();
        foreach (var batch in batches)
        {
            var trie = nodes.Open();
            foreach (var (key, length) in batch)
            {
                var value = new byte[length];
                Array.Fill(value, (byte)(length * 7 + key[^1]));
                trie.Set(key, value);
                model[Hex.ToHex(key)] = new(key, value);
            }

            nodes.Commit(trie);
            Assert.Equal(TrieRoot.Of(model.Values), nodes.Root);
        }

        Assert.Equal(Rebuilt(model.Values), nodes.ByPlace.Keys.Select(k => k.ToString()).Order());
    }

    /// <summary>Places of all nodes of a fresh trie with the same content: nothing may be left over.</summary>
    private static IEnumerable<string> Rebuilt(IEnumerable<KeyValuePair<byte[], byte[]>> items)
    {
        var nodes = new StoredNodes();
        var trie = nodes.Open();
        foreach (var (key, value) in items)
            trie.Set(key, value);
        nodes.Commit(trie);
        return nodes.ByPlace.Keys.Select(k => k.ToString()).Order();
    }

    private static byte[] Key(int i) => Keccak.Hash(BitConverter.GetBytes(i)).ToArray();
}
