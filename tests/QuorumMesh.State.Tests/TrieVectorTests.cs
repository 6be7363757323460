using System.Text;
using System.Text.Json;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Tests;

public class TrieVectorTests
{
    [VectorTheory]
    [InlineData("trietest.json", false)]
    [InlineData("trieanyorder.json", false)]
    [InlineData("trietest_secureTrie.json", true)]
    [InlineData("trieanyorder_secureTrie.json", true)]
    [InlineData("hex_encoded_securetrie_test.json", true)]
    public void RootOfTheWholeSet(string file, bool secure)
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
    public void RootAfterOneChangeAtATime(string file, bool secure)
    {
        foreach (var (name, items, root) in Cases(file))
        {
            var nodes = new StoredNodes();
            foreach (var (key, value) in items)
            {
                var trie = nodes.Open();
                trie.Set(secure ? Keccak.Hash(key).ToArray() : key, value);
                nodes.Commit(trie);
            }

            Assert.True(root == nodes.Root, $"{file} {name}: {nodes.Root}");
        }
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

    private static byte[] Bytes(string text) => text.StartsWith("0x", StringComparison.Ordinal) ? Hex.FromHex(text) : Encoding.UTF8.GetBytes(text);
}
