using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Evm;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

public sealed class GenesisStoreTests
{
    [Fact]
    public void Is_written_once_and_taken_again()
    {
        using var store = new MemoryKeyValueStore();
        Assert.Null(GenesisStore.Load(store));
        GenesisStore.Initialise(store, TestChain.Genesis, CompatibilityProfile.V2_6);
        var hash = ChainStore.GetCanonicalHash(store, 0);
        GenesisStore.Initialise(store, TestChain.Genesis, profile: null);
        GenesisStore.Initialise(store, TestChain.Genesis, CompatibilityProfile.V2_6);
        Assert.Equal(hash, ChainStore.GetCanonicalHash(store, 0));
        Assert.Equal(CompatibilityProfile.V2_6.Name, GenesisStore.LoadProfile(store).Name);
        Assert.Equal(GenesisStore.Load(store)!.ToBlock().Hash, hash);
        Assert.Equal(hash, ChainStore.GetPrivateHead(store)!.Value.Hash);
    }

    [Fact]
    public void The_profile_follows_from_the_genesis_when_none_is_given()
    {
        using var store = new MemoryKeyValueStore();
        GenesisStore.Initialise(store, TestChain.Genesis, profile: null);
        Assert.Equal(CompatibilityProfile.V2_5.Name, GenesisStore.LoadProfile(store).Name);
    }

    [Fact]
    public void Another_genesis_or_profile_is_refused()
    {
        using var store = new MemoryKeyValueStore();
        GenesisStore.Initialise(store, TestChain.Genesis, profile: null);
        var other = System.Text.Encoding.UTF8.GetBytes(System.Text.Encoding.UTF8.GetString(TestChain.Genesis)
            .Replace("\"1000\"", "\"1001\"", StringComparison.Ordinal));
        Assert.Contains("incompatible genesis",
            Assert.Throws<NodeHaltedException>(() => GenesisStore.Initialise(store, other, profile: null)).Message,
            StringComparison.Ordinal);
        Assert.Contains("--quorum.profile",
            Assert.Throws<NodeHaltedException>(() => GenesisStore.Initialise(store, TestChain.Genesis, CompatibilityProfile.V24)).Message,
            StringComparison.Ordinal);
    }

    /// <summary>The file that an earlier build made a network from, and now gives to every start.</summary>
    [Fact]
    public void A_chain_of_an_earlier_build_keeps_its_forks_whatever_file_it_is_given()
    {
        using var store = new MemoryKeyValueStore();
        var file = WithForks("");
        GenesisStore.Initialise(store, file, profile: null);
        Assert.Equal(Fork.Berlin, ForkOf(store));
        var old = new KeyValueBatch();
        old.Delete("cmgenesis.reading"u8.ToArray());
        store.Write(old, sync: true);
        for (var start = 0; start < 3; start++)
        {
            Assert.Equal((Fork.Cancun, true), (ForkOf(store), GenesisStore.Load(store)!.Config.Mesh!.IsInferred));
            GenesisStore.Initialise(store, file, profile: null);
        }
        var head = new KeyValueBatch();
        ChainStore.PutPublicHead(head, new BlockPointer(7, default));
        store.Write(head, sync: true);
        Assert.Contains("quorumMesh.version",
            Assert.Throws<NodeHaltedException>(
            () => GenesisStore.Initialise(store, WithForks(""", "quorumMesh": { "version": 1 } """), profile: null)).Message,
            StringComparison.Ordinal);
        GenesisStore.Initialise(store, WithForks(""", "quorumMesh": { "version": 0 } """), profile: null);
        Assert.Equal((Fork.Cancun, false), (ForkOf(store), GenesisStore.Load(store)!.Config.Mesh!.IsInferred));
        Assert.Contains("quorumMesh.version",
            Assert.Throws<NodeHaltedException>(() => GenesisStore.Initialise(store, file, profile: null)).Message,
            StringComparison.Ordinal);
    }

    [Fact]
    public void What_GoQuorum_acts_on_and_this_version_does_not_starts_no_chain()
    {
        using var store = new MemoryKeyValueStore();
        Assert.Contains("config.yoloV3Block",
            Assert.Throws<ConfigurationException>(() => GenesisStore.Initialise(store, WithForks(""", "yoloV3Block": 0 """), profile: null))
            .Message, StringComparison.Ordinal);
        Assert.Null(GenesisStore.Load(store));
        GenesisStore.Initialise(store, WithForks(""", "yoloV3Block": 0 """), CompatibilityProfile.V2_6);
        Assert.Contains("config.transitions", Assert.Throws<ConfigurationException>(
            () => GenesisStore.Initialise(new MemoryKeyValueStore(), WithForks(""", "transitions": [ {} ] """), profile: null)).Message,
            StringComparison.Ordinal);
        Assert.Contains("config.quorumMesh is for profile 24", Assert.Throws<ConfigurationException>(
            () => GenesisStore.Initialise(new MemoryKeyValueStore(), WithForks(""", "quorumMesh": { "version": 1 } """),
                CompatibilityProfile.V21)).Message, StringComparison.Ordinal);
    }

    private static Fork ForkOf(MemoryKeyValueStore store) => GenesisStore.Load(store)!.Config.ForkAt(9, GenesisStore.LoadProfile(store));

    private static byte[] WithForks(string more) => System.Text.Encoding.UTF8.GetBytes($$"""
        { "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0, "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0,
                      "istanbulBlock": 0, "berlinBlock": 0, "londonBlock": 0, "shanghaiBlock": 0, "cancunBlock": 0, "isQuorum": true {{more}} },
          "alloc": {}, "difficulty": "0x0", "gasLimit": "0xE0000000" }
        """);

    [Fact]
    public void Configuration_outside_the_hash_may_change()
    {
        using var store = new MemoryKeyValueStore();
        GenesisStore.Initialise(store, TestChain.Genesis, profile: null);
        GenesisStore.Initialise(store, TestChain.GenesisWith(chainId: 11), profile: null);
        Assert.Equal(11u, (uint)GenesisStore.Load(store)!.Config.ChainId);
    }
}
