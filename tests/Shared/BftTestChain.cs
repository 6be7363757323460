using QuorumMesh.Chain;
using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Tests.Shared;

/// <summary>As <see cref="TestChain"/>, under IBFT or QBFT.</summary>
internal static class BftTestChain
{
    /// <param name="engine">The engine's object of the config, and what stands beside it.</param>
    public static byte[] Genesis(EngineKind kind, IEnumerable<Address> validators, string? engine = null)
    {
        var vanity = new byte[IstanbulExtra.VanitySize];
        var extra = kind == EngineKind.Qbft
            ? new QbftExtra(vanity, [.. validators.Order()], null, 0, []).Encode()
            : new IstanbulExtra(vanity, [.. validators.Order()], [], []).Encode();
        engine ??= (kind == EngineKind.Qbft ? "\"qbft\"" : "\"ibft\"")
            + ": { \"epochlength\": 30000, \"blockperiodseconds\": 1, \"requesttimeoutseconds\": 4, \"ceil2Nby3Block\": 0 }";
        return System.Text.Encoding.UTF8.GetBytes($$"""
            { "alloc": { "0x00000000000000000000000000000000000000ff": { "balance": "1000" } },
              "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0,
                          "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0, "istanbulBlock": 0, "isQuorum": true,
                          {{engine}} },
              "difficulty": "0x1", "gasLimit": "0xE0000000", "extraData": "{{Hex.ToHex(extra)}}",
              "mixHash": "{{IstanbulHeader.Digest}}" }
            """);
    }

    /// <summary>The stores of a chain that was initialised with the genesis, or of a new one.</summary>
    public static NodeStores Open(IKeyValueStore store, byte[] genesis, Func<ulong>? unixSeconds = null)
    {
        if (GenesisStore.Load(store) is null) GenesisStore.Initialise(store, genesis, CompatibilityProfile.V24);
        var config = GenesisStore.Load(store)!.Config;
        var profile = GenesisStore.LoadProfile(store);
        var engines = EngineFactory.Create(config, profile, store, new IstanbulOptions { UnixSeconds = unixSeconds });
        return new NodeStores(store, new ChainRules(config, profile, engines));
    }
}
