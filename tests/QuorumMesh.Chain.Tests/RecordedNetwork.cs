using System.Text;
using System.Text.Json;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Extension;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.Tests;

namespace QuorumMesh.Chain.Tests;

/// <summary>A chain that real GoQuorum nodes made, with what each node said about it.</summary>
internal sealed class RecordedNetwork
{
    /// <summary>Behind it come two addresses, and a text of no length.</summary>
    private static readonly byte[] ManagementCode = ManagementContract.Create(Address.Zero, Address.Zero, "")[..^128];

    private readonly string _name;
    private readonly Lazy<Dictionary<PayloadHash, JsonElement>> _payloads;

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
        _payloads.Value.TryGetValue(hash, out var known) && PartiesOf(known).Contains(node) ? Answer(hash, known, node)
            : PayloadAnswer.NotAParty(hash);

    public string[] Strings(string file, string node)
    {
        using var json = Json(file);
        return [.. json.RootElement.GetProperty(node).EnumerateArray().Select(e => e.GetString()!)];
    }

    /// <summary>None in a network without managers.</summary>
    private Dictionary<PayloadHash, JsonElement> ReadPayloads()
    {
        if (!Has("payloads.json")) return [];
        using var json = Json("payloads.json");
        return json.RootElement.EnumerateObject().ToDictionary(item => PayloadHash.Parse(item.Name), item => item.Value.Clone());
    }

    /// <summary>A recording names its nodes by numbers or by letters; who really ran a payload goes before who has it.</summary>
    private static IEnumerable<int> PartiesOf(JsonElement known) =>
        (known.TryGetProperty("executedBy", out var executed) ? executed : known.GetProperty("parties")).EnumerateArray()
            .Select(p => p.ValueKind == JsonValueKind.Number ? p.GetInt32() : p.GetString()![0] - 'A' + 1);

    private static PayloadAnswer Answer(in PayloadHash hash, JsonElement known, int node)
    {
        var answer = PayloadAnswer.Here(hash, PayloadOf(known));
        if (!known.TryGetProperty("privacyFlag", out var flag) || flag.ValueKind != JsonValueKind.Number) return answer;
        var affected = known.GetProperty("affectedContractTransactions");
        if (affected.ValueKind == JsonValueKind.Object) affected = affected.GetProperty(Letter(node));
        return answer with
        {
            PrivacyMode = (PrivacyMode)flag.GetInt32(),
            ExecutionHash = Encoding.ASCII.GetBytes(known.GetProperty("execHash").GetString()!),
            AffectedTransactions = [.. affected.EnumerateArray().Select(a => new PayloadHash(Convert.FromBase64String(a.GetString()!)))],
        };
    }

    /// <summary>
    /// The code of GoQuorum's management contract is left out of the recording (<c>{{…}}</c>): ours stands in for it, and emits the same.
    /// </summary>
    private static byte[] PayloadOf(JsonElement known)
    {
        if (known.TryGetProperty("payloadText", out var text)) return Encoding.UTF8.GetBytes(text.GetString()!);
        var hex = known.GetProperty("payload").GetString()!;
        return hex.StartsWith("0x{{", StringComparison.Ordinal)
            ? [.. ManagementCode, .. Hex.FromHex("0x" + hex[(hex.IndexOf("}}", StringComparison.Ordinal) + 2)..])] : Hex.FromHex(hex);
    }

    /// <summary>The answers of a node's transaction manager about votes on contract extensions.</summary>
    public Func<PayloadHash, VoteAnswer?> VotesOf(int node)
    {
        using var json = Json("extension.json");
        var own = new Dictionary<PayloadHash, Address>();
        foreach (var vote in json.RootElement.GetProperty("uuids").EnumerateArray())
            if (vote.GetProperty("sender").GetString() == Letter(node))
                own[PayloadHash.Parse(vote.GetProperty("uuid").GetString()!)] = Address.Parse(vote.GetProperty("decrypted").GetString()!);
        return hash => own.TryGetValue(hash, out var management) ? VoteAnswer.Own(hash, management) : VoteAnswer.Foreign(hash);
    }

    public static string Letter(int node) => ((char)('A' + node - 1)).ToString();

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
