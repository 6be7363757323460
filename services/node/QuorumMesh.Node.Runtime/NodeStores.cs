using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Store;
using QuorumMesh.State.Trie;

namespace QuorumMesh.Node.Runtime;

/// <summary>What the writer loop and the readers share: the store, the two states over it, and the rules of the chain.</summary>
public sealed class NodeStores : IDisposable
{
    public NodeStores(IKeyValueStore keyValues, ChainRules rules, StateStoreOptions? publicState = null,
        StateStoreOptions? privateState = null)
    {
        (KeyValues, Rules) = (keyValues, rules);
        Public = new StateStore(keyValues, "public", OnAllCores(publicState));
        Private = new StateStore(keyValues, ChainStore.PrivateStateId, OnAllCores(privateState));
        Importer = new BlockImporter(rules, Public, Private);
        Builder = new BlockBuilder(rules, Public, Private);
        Creations = new CreationIndex(keyValues, rules);
    }

    /// <summary>The one store of chain, states and what goes with them, so that one batch can move all.</summary>
    public IKeyValueStore KeyValues { get; }
    /// <summary>What a block means.</summary>
    public ChainRules Rules { get; }
    /// <summary>Senders recovered already.</summary>
    public SenderCache Senders { get; } = new();
    /// <summary>The public state.</summary>
    public StateStore Public { get; }
    /// <summary>This participant's private state.</summary>
    public StateStore Private { get; }
    /// <summary>How accounts have made contracts.</summary>
    public CreationIndex Creations { get; }
    public BlockImporter Importer { get; }
    public BlockBuilder Builder { get; }

    /// <summary>The transactions of a committed block with their senders.</summary>
    /// <exception cref="NodeHaltedException">A sender cannot be recovered: the rules are not those of the network.</exception>
    internal RecoveredTransaction[] Recovered(Block block) =>
        Senders.RecoverAll(block.Transactions, Rules.SenderRulesAt(block.Number)) ?? throw new NodeHaltedException(
            $"block {block.Number} ({block.Hash}) was committed by the network but holds a transaction whose sender cannot be recovered; "
            + "check that --quorum.profile and the genesis are those of the network");

    /// <summary>Of a canonical block; zero when there is none.</summary>
    internal Hash256 BlockHashAt(ulong number) => ChainStore.GetCanonicalHash(KeyValues, number) ?? default;

    /// <summary>After each move of a head: what was kept for proofs of the states before it.</summary>
    internal void ReleaseProofs()
    {
        Public.ReleaseProofs();
        Private.ReleaseProofs();
    }

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

    private static StateStoreOptions OnAllCores(StateStoreOptions? options) =>
        (options ?? new StateStoreOptions()) with { SplitWork = Cores.Split };
}
