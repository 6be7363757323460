using QuorumMesh.Chain;
using QuorumMesh.State;
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
        var other = System.Text.Encoding.UTF8.GetBytes(System.Text.Encoding.UTF8.GetString(TestChain.Genesis).Replace("\"1000\"", "\"1001\"", StringComparison.Ordinal));
        Assert.Contains("incompatible genesis", Assert.Throws<NodeHaltedException>(() => GenesisStore.Initialise(store, other, profile: null)).Message, StringComparison.Ordinal);
        Assert.Contains("--quorum.profile", Assert.Throws<NodeHaltedException>(() => GenesisStore.Initialise(store, TestChain.Genesis, CompatibilityProfile.V24)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Configuration_outside_the_hash_may_change()
    {
        using var store = new MemoryKeyValueStore();
        GenesisStore.Initialise(store, TestChain.Genesis, profile: null);
        GenesisStore.Initialise(store, TestChain.GenesisWith(chainId: 11), profile: null);
        Assert.Equal(11u, (uint)GenesisStore.Load(store)!.Config.ChainId);
    }
}
