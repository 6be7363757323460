using QuorumMesh.Chain;
using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Storage;
using QuorumMesh.Node.Storage.KeyValue;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Store;

namespace QuorumMesh.Node;

/// <summary>Opens the store of a data directory, writes or checks its genesis, and knows the rules of its chain.</summary>
internal static class ChainOpener
{
    /// <summary>Opens the store; a genesis file starts a chain, or must be the one it was started with.</summary>
    public static NodeStores Open(DataDirectory data, NodeSettings settings)
    {
        var (genesisFile, profile) = (settings.Genesis, settings.Profile);
        var store = RocksKeyValueStore.Open(data.ChainData,
            settings.Cache.Database() with { Position = static reader => ChainStore.GetPublicHead(reader)?.Number ?? 0 });
        try
        {
            if (genesisFile is not null)
                Initialise(store, genesisFile, profile);
            var genesis = GenesisStore.Load(store)
                ?? throw new StartupException($"there is no chain in {data.Path}: run 'quorummesh-node init GENESIS --datadir "
                    + $"{data.Path}' or start with --genesis GENESIS");
            var stored = GenesisStore.LoadProfile(store);
            if (profile is not null && CompatibilityProfile.Parse(profile).Name != stored.Name)
                throw new OptionsException("--quorum.profile",
                    $"the chain in {data.Path} was made with profile {stored}; start without the flag");
            // GoQuorum's words (24:eth/backend.go New).
            if (settings.PrivacyMarkers && (genesis.Config.PrivacyPrecompileBlock is null || !stored.Rpc.HasPrivacyMarkers))
                throw new OptionsException("--privacymarker.enable",
                    "Privacy marker transactions require privacyPrecompileBlock to be set in genesis.json");
            var rules = new ChainRules(genesis.Config, stored,
                EngineFactory.Create(genesis.Config, stored, store, Istanbul(settings)))
            { KeepsRevertReasons = settings.RevertReason };
            return new NodeStores(store, rules, Beside(settings.Cache.PublicState()), Beside(settings.Cache.PrivateState()));
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    private static StateStoreOptions Beside(StateStoreOptions options) => options with { StartWork = Cores.Start };

    private static IstanbulOptions Istanbul(NodeSettings settings) => new()
    {
        BlockPeriodSeconds = settings.IstanbulBlockPeriod is { } seconds ? (ulong)seconds : null,
        RequestTimeoutMilliseconds = settings.IstanbulRequestTimeout is { } timeout ? (ulong)timeout : null,
        AllowedFutureSeconds = (ulong)settings.AllowedFutureBlockTime,
        UnixSeconds = static () => (ulong)TimeProvider.System.GetUtcNow().ToUnixTimeSeconds(),
    };

    private static void Initialise(IKeyValueStore store, string genesisFile, string? profile)
    {
        try
        {
            GenesisStore.Initialise(store, File.ReadAllBytes(OptionRules.ExistingFile("--genesis", genesisFile)),
                profile is null ? null : CompatibilityProfile.Parse(profile));
        }
        catch (NodeHaltedException e)
        {
            throw new StartupException(e.Message);
        }
        catch (Exception e) when (e is FormatException or ConfigurationException)
        {
            throw new StartupException($"genesis file {genesisFile}: {e.Message}");
        }
    }
}
