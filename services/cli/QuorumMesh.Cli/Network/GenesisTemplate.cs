using System.Text.Json;
using System.Text.Json.Nodes;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Primitives;

namespace QuorumMesh.Cli.Network;

/// <summary>
/// The genesis of a new network (GoQuorum's 7nodes sample as the model), with the forks up to the one asked for at block 0.
/// It is marked as our own unless it is meant for GoQuorum's rules of before 24, by its profile or because it ends with
/// Constantinople.
/// </summary>
internal static class GenesisTemplate
{
    private const int MaxCodeSizeKb = 35;

    /// <summary>Enough for what waits for five confirmations, as Hardhat Ignition does.</summary>
    private const int EmptyBlocks = 6;

    /// <summary>
    /// Fork names in order, each with the genesis field that switches it on; forks without a field come with the one before.
    /// </summary>
    private static readonly (string Name, string? Field)[] Forks =
    [
        ("byzantium", "byzantiumBlock"), ("constantinople", "constantinopleBlock"), ("petersburg", "petersburgBlock"),
        ("istanbul", "istanbulBlock"),
        ("berlin", "berlinBlock"), ("london", "londonBlock"), ("shanghai", "shanghaiBlock"), ("cancun", "cancunBlock"),
        ("prague", "pragueBlock"), ("osaka", "osakaBlock"),
    ];

    /// <exception cref="CommandException">Not a fork that a new network can start at.</exception>
    public static void CheckFork(string fork) => IndexOf(fork);

    private static int IndexOf(string fork)
    {
        var index = Array.FindIndex(Forks, f => f.Name.Equals(fork, StringComparison.OrdinalIgnoreCase));
        return index >= 0 ? index
            : throw new CommandException($"--fork {fork} is not known: use one of {string.Join(", ", Forks.Select(f => f.Name))}");
    }

    /// <param name="validators">Of block 1 on, under IBFT and QBFT.</param>
    public static string Create(NetworkRequest request, ulong chainId, IEnumerable<Address> funded, IReadOnlyList<Address> validators)
    {
        var last = IndexOf(request.Fork);
        var config = new JsonObject
        {
            ["chainId"] = chainId,
            ["homesteadBlock"] = 0,
            ["eip150Block"] = 0,
            ["eip155Block"] = 0,
            ["eip158Block"] = 0
        };
        foreach (var (_, field) in Forks.Take(last + 1))
            config[field!] = 0;
        config["isQuorum"] = true;
        LimitCode(config, Forks[last].Field);
        config["txnSizeLimit"] = 64;
        if (IsOwn(request))
            config["quorumMesh"] = Mark(request);
        var alloc = new JsonObject();
        foreach (var account in funded)
            alloc[account.ToString()] = new JsonObject { ["balance"] = "1000000000000000000000000000" };
        var genesis = new JsonObject
        {
            ["alloc"] = alloc,
            ["coinbase"] = Address.Zero.ToString(),
            ["config"] = config,
            ["difficulty"] = "0x0",
            ["extraData"] = Hash256.Zero.ToString(),
            ["gasLimit"] = "0xE0000000",
            ["mixhash"] = "0x00000000000000000000000000000000000000647572616c65787365646c6578",
            ["nonce"] = "0x0",
            ["parentHash"] = Hash256.Zero.ToString(),
            ["timestamp"] = "0x00",
        };
        if (request.IsBft) BftGenesis.Complete(genesis, request, validators);
        return genesis.ToJsonString(new JsonSerializerOptions { WriteIndented = true }) + "\n";
    }

    /// <summary>Whether it is a genesis of ours, which no GoQuorum reads.</summary>
    public static bool IsOwn(NetworkRequest request) => request.Profile is { } name ? CompatibilityProfile.Parse(name).HasOwnForks
        : Forks[IndexOf(request.Fork)].Field != "constantinopleBlock";

    /// <summary>Validators make blocks all the time: the empty ones after the last transaction are Raft's.</summary>
    private static JsonObject Mark(NetworkRequest request)
    {
        var mark = new JsonObject { ["version"] = QuorumMeshConfig.Current, ["blockTimes"] = "seconds" };
        if (!request.IsBft) mark["emptyBlocks"] = new JsonObject { ["count"] = EmptyBlocks, ["periodSeconds"] = 1 };
        return mark;
    }

    /// <summary>A chain that ends with Constantinople is one of GoQuorum 2.5, which does not know the newer field.</summary>
    private static void LimitCode(JsonObject config, string? lastFork)
    {
        if (lastFork != "constantinopleBlock")
        {
            config["maxCodeSizeConfig"] = new JsonArray(new JsonObject { ["block"] = 0, ["size"] = MaxCodeSizeKb });
            return;
        }
        config["maxCodeSize"] = MaxCodeSizeKb;
        config["maxCodeSizeChangeBlock"] = 0;
    }
}
