using System.Text.Json;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Chain.Genesis;

/// <summary>A genesis file as GoQuorum reads it.</summary>
public sealed class GenesisFile
{
    /// <summary>What GoQuorum takes for a gas limit of 0.</summary>
    public const ulong DefaultGasLimit = 800_000_000;
    private const ulong DefaultDifficulty = 131_072;

    private static readonly string[] _fields =
        ["config", "nonce", "timestamp", "extraData", "gasLimit", "difficulty", "mixHash", "coinbase", "alloc", "number", "gasUsed",
            "parentHash"];

    public required ChainConfig Config { get; init; }
    public ulong Nonce { get; init; }
    public ulong Timestamp { get; init; }
    public byte[] ExtraData { get; init; } = [];
    public ulong GasLimit { get; init; }
    public UInt256 Difficulty { get; init; }
    public Hash256 MixHash { get; init; }
    public Address Coinbase { get; init; }
    public ulong Number { get; init; }
    public ulong GasUsed { get; init; }
    public Hash256 ParentHash { get; init; }
    /// <summary>The public state of block 0; the private one is empty.</summary>
    public IReadOnlyList<GenesisAccount> Alloc { get; init; } = [];

    /// <param name="beforeTheMark">
    /// True for what a store holds that was made before <c>config.quorumMesh</c> was known: the forks after Berlin, which that
    /// version took from every genesis, go on to count.
    /// </param>
    /// <exception cref="ConfigurationException">Not JSON, a wrong or missing field, or an unknown one in a genesis of our own.</exception>
    public static GenesisFile Parse(ReadOnlyMemory<byte> json, bool beforeTheMark = false)
    {
        try
        {
            using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = 16 });
            return Read(new JsonFields(document.RootElement, ""), beforeTheMark);
        }
        catch (JsonException e)
        {
            throw new ConfigurationException($"genesis: not valid JSON: {e.Message}");
        }
    }

    public static GenesisFile Parse(string json, bool beforeTheMark = false) =>
        Parse(System.Text.Encoding.UTF8.GetBytes(json), beforeTheMark);

    /// <summary>The genesis header with the state root of the allocation.</summary>
    public BlockHeader ToHeader() => new()
    {
        ParentHash = ParentHash,
        Coinbase = Coinbase,
        StateRoot = State.StateRoot.Compute(Alloc),
        Difficulty = Difficulty,
        Number = Number,
        GasLimit = GasLimit == 0 ? DefaultGasLimit : GasLimit,
        GasUsed = GasUsed,
        Time = Timestamp,
        ExtraData = ExtraData,
        MixHash = MixHash,
        Nonce = Nonce,
    };

    /// <summary>The genesis block, which has no transactions.</summary>
    public Block ToBlock() => new(ToHeader(), []);

    private static GenesisFile Read(JsonFields json, bool beforeTheMark)
    {
        foreach (var name in (string[])["gasLimit", "difficulty", "alloc", "config"])
        {
            if (!json.Has(name))
                throw new ConfigurationException($"genesis: missing required field '{name}'");
        }
        var genesis = new GenesisFile
        {
            Config = JudgeTheRest(ChainConfigReader.Read(json.Object("config")!, beforeTheMark), json),
            Nonce = json.UInt64("nonce") ?? 0,
            Timestamp = json.UInt64("timestamp") ?? 0,
            ExtraData = json.Bytes("extraData") ?? [],
            GasLimit = json.UInt64("gasLimit") ?? 0,
            Difficulty = json.Integer("difficulty") ?? DefaultDifficulty,
            MixHash = json.Hash("mixHash") ?? default,
            Coinbase = json.Address("coinbase") ?? default,
            Number = json.UInt64("number") ?? 0,
            GasUsed = json.UInt64("gasUsed") ?? 0,
            ParentHash = json.Hash("parentHash") ?? default,
            Alloc = ReadAlloc(json.Object("alloc")!),
        };
        if (genesis.Number != 0)
            throw new ConfigurationException("can't commit genesis block with number > 0");
        return genesis;
    }

    /// <summary>
    /// Fields beside <c>config</c> that nobody knows are refused in our own genesis, and told in others. Accounts may carry
    /// remarks.
    /// </summary>
    private static ChainConfig JudgeTheRest(ChainConfig config, JsonFields json)
    {
        if (config.Mesh is null)
            return config with { PassedOver = [.. config.PassedOver, .. json.Unknown(_fields).Select(name => $"{name} (outside config)")] };
        if (!config.Mesh.IsInferred)
            json.RequireOnly(_fields);
        return config;
    }

    private static List<GenesisAccount> ReadAlloc(JsonFields alloc)
    {
        var accounts = new Dictionary<Address, GenesisAccount>();
        foreach (var (name, value) in alloc.Items())
        {
            if (!Address.TryParse(name, out var address))
                throw new ConfigurationException($"genesis: alloc has '{name}', which is not an address of 20 hex bytes");
            var fields = new JsonFields(value, $"alloc.{name}");
            var account = new GenesisAccount(address, fields.Integer("balance") ?? UInt256.Zero)
            {
                Nonce = fields.UInt64("nonce") ?? 0,
                Code = fields.Bytes("code") ?? [],
                Storage = ReadStorage(fields.Object("storage")),
            };
            if (!accounts.TryAdd(address, account))
                throw new ConfigurationException($"genesis: alloc names {address} twice");
        }
        return [.. accounts.Values];
    }

    private static Dictionary<UInt256, UInt256> ReadStorage(JsonFields? json)
    {
        var storage = new Dictionary<UInt256, UInt256>();
        if (json is null)
            return storage;
        foreach (var (name, _) in json.Items())
            storage[ParseWord(json, name, name)] = ParseWord(json, name, json.Text(name)!);
        return storage;
    }

    private static UInt256 ParseWord(JsonFields json, string field, string text)
    {
        var digits = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase) ? text[2..] : text;
        if (digits.Length > 64 || !Hex.TryFromHex(digits.Length % 2 == 0 ? digits : "0" + digits, out var bytes))
            throw new ConfigurationException($"genesis: {json.PathOf(field)} must be hex of at most 32 bytes");
        return UInt256.FromBigEndian(bytes);
    }
}
