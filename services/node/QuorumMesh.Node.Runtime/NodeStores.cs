using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.State;

namespace QuorumMesh.Node.Runtime;

/// <summary>What the writer loop and the readers share: the store, the two states over it, and the rules of the chain.</summary>
public sealed class NodeStores
{
    public NodeStores(IKeyValueStore keyValues, ChainRules rules, StateStoreOptions? publicState = null, StateStoreOptions? privateState = null)
    {
        (KeyValues, Rules) = (keyValues, rules);
        Public = new StateStore(keyValues, "public", OnAllCores(publicState));
        Private = new StateStore(keyValues, ChainStore.PrivateStateId, OnAllCores(privateState));
        Importer = new BlockImporter(rules, Public, Private);
        Builder = new BlockBuilder(rules, Public, Private);
    }

    public IKeyValueStore KeyValues { get; }
    public ChainRules Rules { get; }
    public SenderCache Senders { get; } = new();
    public StateStore Public { get; }
    public StateStore Private { get; }
    public BlockImporter Importer { get; }
    public BlockBuilder Builder { get; }

    private static StateStoreOptions OnAllCores(StateStoreOptions? options) => (options ?? new StateStoreOptions()) with { SplitWork = Cores.Split };
}
