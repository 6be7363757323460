using QuorumMesh.Chain.Genesis;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Chain.Engines;

/// <summary>The engine that a genesis asks for.</summary>
public static class EngineFactory
{
    /// <param name="store">The chain's own store.</param>
    /// <exception cref="ConfigurationException">QBFT, which is not built yet.</exception>
    public static IEngine Create(ChainConfig config, CompatibilityProfile profile, IKeyValueStore store, IstanbulEngineOptions? istanbul = null) => config.Engine switch
    {
        EngineKind.Raft => new RaftEngine(config, profile),
        EngineKind.Ibft => new IstanbulEngine(config.Istanbul!, store, istanbul),
        _ => throw new ConfigurationException($"the genesis asks for {config.Engine}, which this version does not know yet: only Raft and IBFT chains can be used"),
    };
}
