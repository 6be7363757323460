using System.Text;
using System.Text.Json;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Trie;
using QuorumMesh.Tests;

namespace QuorumMesh.State.Tests;

public class TrieVectorTests
{
    [VectorTheory]
    [InlineData("trietest.json", false)]
    [InlineData("trieanyorder.json", false)]
    [InlineData("trietest_secureTrie.json", true)]
    [InlineData("trieanyorder_secureTrie.json", true)]
    [InlineData("hex_encoded_securetrie_test.json", true)]
    public void Root_of_the_whole_set(string file, bool secure)
    {
        foreach (var (name, items, root) in Cases(file))
        {
            var computed = secure ? TrieRoot.OfSecure(items) : TrieRoot.Of(items);
            Assert.True(root == computed, $"{file} {name}: {computed}");
        }
    }

    [VectorTheory]
    [InlineData("trietest.json", false)]
    [InlineData("trieanyorder.json", false)]
    [InlineData("trietest_secureTrie.json", true)]
    [InlineData("trieanyorder_secureTrie.json", true)]
    [InlineData("hex_encoded_securetrie_test.json", true)]
    public void Root_after_one_change_at_a_time(string file, bool secure)
    {
        foreach (var (name, items, root) in Cases(file))
        {
            var nodes = new StoredNodes();
            foreach (var (key, value) in items)
            {
                nodes.Set(secure ? Keccak.Hash(key).ToArray() : key, value);
                nodes.Commit();
            }

            Assert.True(root == nodes.Root, $"{file} {name}: {nodes.Root}");
        }
    }

    [VectorFact]
    public void Hex_prefix_of_paths()
    {
        using var document = JsonDocument.Parse(Vectors.ReadText("ethereum-tests/BasicTests/hexencodetest.json"));
        var count = 0;
        foreach (var test in document.RootElement.EnumerateObject())
        {
            byte[] nibbles = [.. test.Value.GetProperty("seq").EnumerateArray().Select(n => n.GetByte())];
            var leaf = test.Value.GetProperty("term").GetBoolean();
            var target = new byte[64];
            var item = new RlpReader(target.AsSpan(0, NodeRlp.WriteHexPrefix(target, 0, NibblePath.Of(nibbles), depth: 0, leaf)));
            var path = item.ReadBytes();
            Assert.Equal(test.Value.GetProperty("out").GetString(), Hex.ToHex(path, prefix: false));
            count++;
        }

        Assert.Equal(12, count);
    }

    /// <summary>Order of keys is kept by the flat tables of the key-value store, not by the trie.</summary>
    [VectorFact]
    public void Next_and_previous_key()
    {
        using var document = JsonDocument.Parse(Vectors.ReadText("ethereum-tests/TrieTests/trietestnextprev.json"));
        var count = 0;
        foreach (var test in document.RootElement.EnumerateObject())
        {
            var store = new MemoryKeyValueStore();
            var batch = new KeyValueBatch();
            foreach (var key in test.Value.GetProperty("in").EnumerateArray())
                batch.Put(Bytes(key.GetString()!), (byte[])[1]);
            store.Write(batch, sync: false);
            foreach (var line in test.Value.GetProperty("tests").EnumerateArray())
            {
                var key = Bytes(line[0].GetString()!);
                var previous = store.Scan([]).LastOrDefault(e => e.Key.AsSpan().SequenceCompareTo(key) < 0).Key ?? [];
                var next = store.Scan([], key).FirstOrDefault(e => !e.Key.AsSpan().SequenceEqual(key)).Key ?? [];
                Assert.Equal((line[1].GetString(), line[2].GetString()),
                    (Encoding.UTF8.GetString(previous), Encoding.UTF8.GetString(next)));
                count++;
            }
        }

        Assert.Equal(12, count);
    }

    internal static IEnumerable<(string Name, List<KeyValuePair<byte[], byte[]>> Items, Hash256 Root)> Cases(string file)
    {
        using var document = JsonDocument.Parse(Vectors.ReadText("ethereum-tests/TrieTests/" + file));
        foreach (var test in document.RootElement.EnumerateObject())
        {
            var items = new List<KeyValuePair<byte[], byte[]>>();
            var input = test.Value.GetProperty("in");
            if (input.ValueKind == JsonValueKind.Array)
            {
                foreach (var pair in input.EnumerateArray())
                    items.Add(new(Bytes(pair[0].GetString()!), Bytes(pair[1].GetString() ?? "")));
            }
            else
            {
                foreach (var pair in input.EnumerateObject())
                    items.Add(new(Bytes(pair.Name), Bytes(pair.Value.GetString() ?? "")));
            }

            yield return (test.Name, items, Hash256.Parse(test.Value.GetProperty("root").GetString()!));
        }
    }

    private static byte[] Bytes(string text) =>
        text.StartsWith("0x", StringComparison.Ordinal) ? Hex.FromHex(text) : Encoding.UTF8.GetBytes(text);
}
