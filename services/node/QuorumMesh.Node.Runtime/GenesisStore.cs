using System.Text;
using QuorumMesh.Chain;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Node.Runtime;

/// <summary>The genesis of a store: written once by init, checked on every start.</summary>
public static class GenesisStore
{
    private const string GenesisName = "genesis";
    private const string ProfileName = "profile";

    /// <summary>Null when the store holds no chain yet.</summary>
    public static GenesisFile? Load(IKeyValueReader reader) =>
        ChainStore.GetMeta(reader, GenesisName) is { } json ? GenesisFile.Parse(json) : null;

    public static CompatibilityProfile LoadProfile(IKeyValueReader reader) =>
        ChainStore.GetMeta(reader, ProfileName) is { } name ? CompatibilityProfile.Parse(Encoding.UTF8.GetString(name.Span))
            : throw new InvalidOperationException("the store has a genesis but no profile");

    /// <summary>Writes the genesis block and both states in one batch; a store that already has this genesis is left as it is, apart from the configuration, which is not part of the hash.</summary>
    /// <exception cref="NodeHaltedException">The store holds another chain.</exception>
    public static void Initialise(IKeyValueStore store, byte[] json, CompatibilityProfile? profile)
    {
        var genesis = GenesisFile.Parse(json);
        var block = genesis.ToBlock();
        if (ChainStore.GetCanonicalHash(store, 0) is { } have)
        {
            if (have != block.Hash)
                throw new NodeHaltedException($"database already contains an incompatible genesis block (have {have}, new {block.Hash}): use the genesis file that this data directory was made with, or another --datadir");
            if (profile is not null && profile.Name != LoadProfile(store).Name)
                throw new NodeHaltedException($"this data directory was made with --quorum.profile {LoadProfile(store)}: the profile of a chain cannot change; start without the flag, or from an empty data directory");
            if (Load(store) is { } stored && ChainConfigCompatibility.Check(stored.Config, genesis.Config, LoadProfile(store), ChainStore.GetPublicHead(store)?.Number ?? 0) is { } mismatch)
                throw new NodeHaltedException($"{mismatch}: use the configuration that the chain was made with, or an empty --datadir");
            var update = new KeyValueBatch();
            ChainStore.PutMeta(update, GenesisName, json);
            store.Write(update, sync: true);
            return;
        }
        profile ??= CompatibilityProfile.DefaultFor(genesis.Config);
        var batch = new KeyValueBatch();
        ChainStore.PutMeta(batch, GenesisName, json);
        ChainStore.PutMeta(batch, ProfileName, Encoding.UTF8.GetBytes(profile.Name));
        var stores = new NodeStores(store, new ChainRules(genesis.Config, profile, EngineFactory.Create(genesis.Config, profile, store)));
        stores.Importer.Put(batch, stores.Importer.Genesis(genesis), block.Header.Difficulty);
        store.Write(batch, sync: true);
    }
}
