using QuorumMesh.Chain.Genesis;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Chain.Engines;

/// <summary>The engines that a genesis asks for.</summary>
public static class EngineFactory
{
    /// <param name="store">The chain's own store.</param>
    /// <exception cref="ConfigurationException">QBFT, which is not built yet.</exception>
    public static EngineSchedule Create(ChainConfig config, IKeyValueStore store, IstanbulOptions? istanbul = null) => config.Engine switch
    {
        EngineKind.Raft => new EngineSchedule(new RaftHeaderRules(config)),
        EngineKind.Ibft => new EngineSchedule(new IstanbulHeaderRules(config.Istanbul!, store, istanbul)),
        _ => throw new ConfigurationException(
            $"the genesis asks for {config.Engine}, which this version does not know yet: only Raft and IBFT chains can be used"),
    };
}
