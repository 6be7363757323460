using System.Text.Json;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Store;
using QuorumMesh.Tests;

namespace QuorumMesh.State.Tests;

/// <summary>States that GoQuorum 2.5.0 nodes dumped, public and private, against the roots they printed.</summary>
public class GoQuorumDumpTests
{
    [VectorTheory]
    [InlineData("ibft4-2.5.0")]
    [InlineData("raft3-2.5.0")]
    public void Dumped_states_have_their_roots(string network)
    {
        using var document = JsonDocument.Parse(Vectors.ReadText($"goquorum/{network}/stateDumps.json"));
        foreach (var dump in document.RootElement.EnumerateObject())
        {
            if (LacksSlotNumbers(dump.Value)) continue;
            var accounts = dump.Value.GetProperty("accounts").EnumerateObject().Select(Account).ToList();
            var root = Hash256.Parse(dump.Value.GetProperty("root").GetString()!);
            Assert.True(root == StateRoot.Compute(accounts), dump.Name);

            var store = new MemoryKeyValueStore();
            var state = new StateStore(store, "private");
            var half = accounts.Count / 2;
            Add(store, state, 0, accounts.Take(half));
            Add(store, state, 1, accounts.Skip(half));
            Assert.True(root == state.Head.Root, dump.Name);
            foreach (var expected in dump.Value.GetProperty("accounts").EnumerateObject())
                Assert.Equal(Hash256.Parse(expected.Value.GetProperty("root").GetString()!),
                    state.Head.GetAccount(Address.Parse(expected.Name))!.Value.StorageRoot);
        }
    }

    [VectorTheory]
    [InlineData("ibft4-2.5.0")]
    [InlineData("raft3-2.5.0")]
    public void Genesis_allocations_have_their_root(string network)
    {
        using var genesis = JsonDocument.Parse(Vectors.ReadText($"goquorum/{network}/genesis.json"));
        using var headers = JsonDocument.Parse(Vectors.ReadText($"goquorum/{network}/headers.json"));
        var accounts = genesis.RootElement.GetProperty("alloc").EnumerateObject().Select(entry =>
            new GenesisAccount(Address.Parse(entry.Name), UInt256.Parse(entry.Value.GetProperty("balance").GetString()!))
            {
                Nonce = entry.Value.TryGetProperty("nonce", out var nonce) ? (ulong)UInt256.Parse(nonce.GetString()!) : 0,
                Code = entry.Value.TryGetProperty("code", out var code) ? Hex.FromHex(code.GetString()!) : [],
                Storage = entry.Value.TryGetProperty("storage", out var storage)
                    ? storage.EnumerateObject().ToDictionary(s => Word(s.Name), s => Word(s.Value.GetString()!))
                    : [],
            });
        var first = FirstHeader(headers.RootElement);
        Assert.Equal(Hash256.Parse(first.GetProperty("stateRoot").GetString()!), StateRoot.Compute(accounts));
    }

    private static JsonElement FirstHeader(JsonElement headers) =>
        headers.ValueKind == JsonValueKind.Array ? headers[0] : headers.EnumerateObject().First().Value;

    private static void Add(IKeyValueStore store, StateStore state, ulong block, IEnumerable<GenesisAccount> accounts)
    {
        var world = new WorldState(state.Head);
        foreach (var account in accounts)
            account.ApplyTo(world);
        StateRuns.Flush(store, state, state.Extend(state.Head, block, world.TakeChanges()));
    }

    private static GenesisAccount Account(JsonProperty entry) =>
        new(Address.Parse(entry.Name), UInt256.Parse(entry.Value.GetProperty("balance").GetString()!))
        {
            Nonce = entry.Value.GetProperty("nonce").GetUInt64(),
            Code = Hex.FromHex(entry.Value.GetProperty("code").GetString()!),
            Storage = entry.Value.GetProperty("storage").EnumerateObject()
            .ToDictionary(s => Word(s.Name), s => RlpWord(s.Value.GetString()!)),
        };

    /// <summary>
    /// A dumping node that never saw a slot's number, only its hash, prints an empty key: such a dump does not tell the whole
    /// state.
    /// </summary>
    private static bool LacksSlotNumbers(JsonElement dump) => dump.GetProperty("accounts").EnumerateObject()
        .Any(account => account.Value.GetProperty("storage").EnumerateObject().Any(slot => slot.Name.Length == 0));

    /// <summary>The dump prints a slot's value as its RLP.</summary>
    private static UInt256 RlpWord(string hex) => new RlpReader(Hex.FromHex(hex)).ReadUInt256();

    private static UInt256 Word(string hex)
    {
        var digits = hex.StartsWith("0x", StringComparison.Ordinal) ? hex[2..] : hex;
        return UInt256.FromBigEndian(Hex.FromHex(digits.Length % 2 == 0 ? digits : "0" + digits));
    }
}
