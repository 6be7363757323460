using System.Text;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node.Runtime;

/// <summary>The genesis of a store: written once by init, checked on every start.</summary>
public static class GenesisStore
{
    /// <summary>Null when the store holds no chain yet.</summary>
    public static GenesisFile? Load(IKeyValueReader reader) =>
        ChainStore.GetMeta(reader, StoredNames.Genesis) is { } json ? GenesisFile.Parse(json, IsBeforeTheMark(reader)) : null;

    public static CompatibilityProfile LoadProfile(IKeyValueReader reader) =>
        ChainStore.GetMeta(reader, StoredNames.Profile) is { } name ? CompatibilityProfile.Parse(Encoding.UTF8.GetString(name.Span))
            : throw new InvalidOperationException("the store has a genesis but no profile");

    /// <summary>
    /// Writes the genesis block and both states in one batch; a store that already has this genesis is left as it is, apart from
    /// the configuration, which is not part of the hash.
    /// </summary>
    /// <exception cref="NodeHaltedException">The store holds another chain.</exception>
    /// <exception cref="ConfigurationException">
    /// A genesis that cannot be read, or that has a field which GoQuorum acts on and this version does not.
    /// </exception>
    public static void Initialise(IKeyValueStore store, byte[] json, CompatibilityProfile? profile)
    {
        if (ChainStore.GetCanonicalHash(store, 0) is { } have)
        {
            Change(store, have, json, profile);
            return;
        }
        var genesis = GenesisFile.Parse(json);
        var block = genesis.ToBlock();
        profile ??= CompatibilityProfile.DefaultFor(genesis.Config);
        genesis.Config.RequireSupported(profile);
        var batch = new KeyValueBatch();
        ChainStore.PutMeta(batch, StoredNames.Genesis, json);
        ChainStore.PutMeta(batch, StoredNames.GenesisReading, [1]);
        ChainStore.PutMeta(batch, StoredNames.Profile, Encoding.UTF8.GetBytes(profile.Name));
        var stores = new NodeStores(store, new ChainRules(genesis.Config, profile, EngineFactory.Create(genesis.Config, profile, store)));
        stores.Importer.Put(batch, stores.Importer.Genesis(genesis), block.Header.Difficulty);
        store.Write(batch, sync: true);
    }

    private static void Change(IKeyValueStore store, Hash256 have, byte[] json, CompatibilityProfile? given)
    {
        var (stored, profile) = (Load(store), LoadProfile(store));
        // The file of a network that an earlier build made is read as that build read it.
        var genesis = GenesisFile.Parse(json, beforeTheMark: stored?.Config.Mesh is { IsInferred: true });
        if (genesis.ToBlock().Hash is var wanted && have != wanted)
            throw new NodeHaltedException($"database already contains an incompatible genesis block (have {have}, new {wanted}): use the "
                + "genesis file that this data directory was made with, or another --datadir");
        if (given is not null && given != profile)
            throw new NodeHaltedException($"this data directory was made with --quorum.profile {profile}: the profile of a chain cannot "
                + "change; start without the flag, or from an empty data directory");
        if (stored is not null && ChainConfigCompatibility.Check(stored.Config, genesis.Config, profile,
            ChainStore.GetPublicHead(store)?.Number ?? 0) is { } mismatch)
            throw new NodeHaltedException($"{mismatch}: use the configuration that the chain was made with, or an empty --datadir");
        if (genesis.Config.Mesh is not { IsInferred: true }) genesis.Config.RequireSupported(profile);
        var batch = new KeyValueBatch();
        ChainStore.PutMeta(batch, StoredNames.Genesis, json);
        if (genesis.Config.Mesh is not { IsInferred: true }) ChainStore.PutMeta(batch, StoredNames.GenesisReading, [1]);
        store.Write(batch, sync: true);
    }

    private static bool IsBeforeTheMark(IKeyValueReader reader) => ChainStore.GetMeta(reader, StoredNames.GenesisReading) is null;
}
