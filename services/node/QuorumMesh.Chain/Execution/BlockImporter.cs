using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Store;

namespace QuorumMesh.Chain.Execution;

/// <summary>A block with the states after it, not stored yet.</summary>
/// <param name="PrivateLayer">Null when the private head waits before this block.</param>
public sealed record ImportedBlock(Block Block, BlockExecution Execution, StateLayer PublicLayer, StateLayer? PrivateLayer);

/// <summary>Validates and executes blocks on state layers, and puts what moves with the heads into one batch.</summary>
public sealed class BlockImporter(ChainRules rules, StateStore publicStore, StateStore privateStore)
{
    private readonly BlockExecutor _executor = new(rules);

    /// <param name="inputs">With the layers of the parent block: no private one when the private head is further behind.</param>
    /// <param name="isProposal">What only the network's decision adds to the header may be missing.</param>
    /// <param name="stop">See <see cref="BlockExecutor.Execute"/>.</param>
    /// <exception cref="InvalidBlockException">The block breaks a rule.</exception>
    public ImportedBlock Import(
        Block block, BlockHeader parent, IReadOnlyList<RecoveredTransaction> transactions, ExecutionInputs<StateLayer> inputs,
        bool isProposal = false, Func<bool>? stop = null)
    {
        var engine = rules.EngineAt(block.Number);
        if ((isProposal ? engine.VerifyProposal(block.Header, parent) : engine.VerifyHeader(block.Header, parent)) is { } reason)
            throw new InvalidBlockException($"block {block.Number}: {reason}", isHeader: true);
        // Header, then body, then execution: the cheap checks come before what costs time.
        BlockValidator.CheckBody(block);
        KnownReads.AheadOfBlock(publicStore, transactions);
        var execution = _executor.Execute(block.Header, transactions, inputs.AsReaders(), stop);
        var publicLayer = publicStore.Extend(inputs.PublicState, block.Number, execution.PublicChanges);
        // Before anything is stored: a block that does not come out as its header says leaves no trace.
        BlockValidator.CheckResult(rules, block.Header, execution, publicLayer.Root);
        return new ImportedBlock(block, execution, publicLayer, ExtendPrivate(inputs.PrivateState, block.Number, execution));
    }

    /// <summary>Puts block, indexes, receipts, states and heads into the batch. After writing it, call <see cref="Advance"/>.</summary>
    public void Put(KeyValueBatch batch, ImportedBlock imported, in UInt256 totalDifficulty)
    {
        var block = imported.Block;
        ChainStore.PutBlock(batch, block, totalDifficulty);
        ChainStore.PutCanonical(batch, block);
        rules.Bft?.PutAlongside(batch, rules, block.Header, imported.PublicLayer);
        ChainStore.PutReceipts(batch, block.Hash, imported.Execution.Receipts);
        publicStore.Flush(imported.PublicLayer, block.Hash, batch);
        ChainStore.PutPublicHead(batch, new BlockPointer(block.Number, block.Hash));
        if (imported.PrivateLayer is { } layer)
            PutPrivate(batch, ChainStore.PrivateStateId, privateStore, block.Header, layer, imported.Execution);
    }

    /// <summary>One private side alone.</summary>
    public static void PutPrivate(
        KeyValueBatch batch, string stateId, StateStore store, BlockHeader header, StateLayer layer, BlockExecution execution)
    {
        store.Flush(layer, header.Hash, batch);
        if (execution.HasPrivateTransactions)
            ChainStore.PutPrivateReceipts(batch, stateId, header.Hash, execution.PrivateReceipts!);
        ChainStore.PutPrivateHead(batch, stateId, new BlockPointer(header.Number, header.Hash));
    }

    /// <summary>Makes the layers the heads in memory; only after the batch of <see cref="Put"/> is written.</summary>
    public void Advance(ImportedBlock imported)
    {
        publicStore.Advance(imported.PublicLayer);
        if (imported.PrivateLayer is { } layer)
            privateStore.Advance(layer);
    }

    /// <summary>The genesis block as an import: its allocation in the public state, an empty private state.</summary>
    public ImportedBlock Genesis(GenesisFile genesis)
    {
        var state = new WorldState(EmptyState.Instance);
        foreach (var account in genesis.Alloc)
            account.ApplyTo(state);
        // Empty accounts of an allocation stay: they are in the genesis's root.
        state.FinaliseTransaction(deleteEmpty: false);
        var execution = new BlockExecution
        {
            PublicChanges = state.TakeChanges(),
            PrivateChanges = new StateChangeSet(),
            Receipts = [],
            PrivateReceipts = [],
            GasUsed = 0,
            Bloom = new Bloom(),
        };
        var block = genesis.ToBlock();
        var publicLayer = publicStore.Extend(publicStore.Head, 0, execution.PublicChanges);
        if (publicLayer.Root != block.Header.StateRoot)
            throw new ChainCorruptException(
                $"the genesis state came out as {publicLayer.Root}, expected {block.Header.StateRoot}: the state store is not empty");
        return new ImportedBlock(block, execution, publicLayer, privateStore.Extend(privateStore.Head, 0, new StateChangeSet()));
    }

    private StateLayer? ExtendPrivate(StateLayer? parent, ulong number, BlockExecution execution) =>
        parent is not null && execution.PrivateChanges is { } changes ? privateStore.Extend(parent, number, changes) : null;
}
