using System.Text.Json;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.Tests;

namespace QuorumMesh.Chain.Tests;

/// <summary>A chain that real GoQuorum nodes made, with what each node said about it.</summary>
internal sealed class RecordedNetwork
{
    private readonly string _name;
    private readonly Lazy<Dictionary<PayloadHash, (byte[] Payload, int[] Parties)>> _payloads;

    public RecordedNetwork(string name)
    {
        _name = "goquorum/" + name;
        Genesis = GenesisFile.Parse(Vectors.ReadText(_name + "/genesis.json"));
        Blocks = ReadBlocks(File.ReadAllBytes(Vectors.Path(_name + "/chain.rlp")));
        _payloads = new(ReadPayloads);
    }

    /// <summary>Also those whose private side is not built.</summary>
    public static IEnumerable<string> AllNames => Recordings.Names.Concat(Recordings.PublicOnly.Keys).Order(StringComparer.Ordinal);

    public static IEnumerable<string> IstanbulNames => AllNames.Where(IsIstanbul);

    public static IEnumerable<string> RaftNames => Recordings.Names.Where(name => !IsIstanbul(name));

    public GenesisFile Genesis { get; }

    public CompatibilityProfile Profile => CompatibilityProfile.Parse(Recordings.ProfileOf(_name["goquorum/".Length..]));

    public IReadOnlyList<Block> Blocks { get; }

    public bool Has(string file) => Recordings.Has(_name["goquorum/".Length..], file);

    /// <summary>As a GoQuorum node answered them, from block 0 on; perhaps not up to the export's head.</summary>
    public JsonElement[] Headers()
    {
        using var json = Json("headers.json");
        var list = json.RootElement.ValueKind == JsonValueKind.Array ? json.RootElement : json.RootElement.GetProperty("goquorum4");
        return [.. list.EnumerateArray().Select(h => h.Clone())];
    }

    public JsonDocument Json(string file) => JsonDocument.Parse(File.ReadAllBytes(Vectors.Path($"{_name}/{file}")));

    /// <summary>The answers of a node's transaction manager; node 0 is a stranger to everything.</summary>
    public Func<PayloadHash, PayloadAnswer?> PayloadsOf(int node) => hash =>
        _payloads.Value.TryGetValue(hash, out var known) && known.Parties.Contains(node) ? PayloadAnswer.Here(hash, known.Payload)
            : PayloadAnswer.NotAParty(hash);

    public string[] Strings(string file, string node)
    {
        using var json = Json(file);
        return [.. json.RootElement.GetProperty(node).EnumerateArray().Select(e => e.GetString()!)];
    }

    /// <summary>None in a network without managers.</summary>
    private Dictionary<PayloadHash, (byte[] Payload, int[] Parties)> ReadPayloads()
    {
        var payloads = new Dictionary<PayloadHash, (byte[] Payload, int[] Parties)>();
        if (!Has("payloads.json")) return payloads;
        using var json = Json("payloads.json");
        foreach (var item in json.RootElement.EnumerateObject())
        {
            var parties = item.Value.GetProperty("parties").EnumerateArray().Select(p => p.GetInt32()).ToArray();
            payloads.Add(PayloadHash.Parse(item.Name), (Hex.FromHex(item.Value.GetProperty("payload").GetString()!), parties));
        }
        return payloads;
    }

    private static bool IsIstanbul(string name) =>
        GenesisFile.Parse(Vectors.ReadText($"goquorum/{name}/genesis.json")).Config.Istanbul is not null;

    private static List<Block> ReadBlocks(byte[] bytes)
    {
        var blocks = new List<Block>();
        var reader = new RlpReader(bytes);
        while (!reader.End)
            blocks.Add(Block.Decode(ref reader));
        return blocks;
    }
}
