using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Storage;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Store;
using QuorumMesh.State.Trie;

namespace QuorumMesh.Node.Runtime;

/// <summary>What the writer loop and the readers share: the store, the two states over it, and the rules of the chain.</summary>
public sealed class NodeStores : IDisposable
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

    /// <summary>Lets what is being stored end, and closes the store. The writer must have ended.</summary>
    public void Dispose()
    {
        using (KeyValues)
        {
            Settle(Public);
            Settle(Private);
        }
    }

    private static void Settle(StateStore state)
    {
        try
        {
            state.Settle();
        }
        catch (IOException)
        {
            // Nothing is lost: the trie nodes stored before lead to the head.
        }
    }

    private static StateStoreOptions OnAllCores(StateStoreOptions? options) => (options ?? new StateStoreOptions()) with { SplitWork = Cores.Split };
}
