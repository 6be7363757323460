using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Istanbul;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Chain.Engines;

/// <summary>The engines that a genesis asks for.</summary>
public static class EngineFactory
{
    /// <param name="store">The chain's own store.</param>
    public static EngineSchedule Create(ChainConfig config, CompatibilityProfile profile, IKeyValueStore store,
        IstanbulOptions? istanbul = null)
    {
        if (config.Istanbul is null) return new EngineSchedule(new RaftHeaderRules(config));
        var chain = new BftChain(config, profile, store, istanbul);
        var (ibft, qbft) = (new IstanbulHeaderRules(chain), new QbftHeaderRules(chain, config, profile));
        return chain.QbftFrom switch
        {
            0 => new EngineSchedule(qbft) { Bft = chain },
            { } from => new EngineSchedule(ibft, (from, qbft)) { Bft = chain },
            null => new EngineSchedule(ibft) { Bft = chain },
        };
    }
}
