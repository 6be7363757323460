using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Store;

namespace QuorumMesh.Chain.Tests;

/// <summary>A chain in memory: stores, importer and heads, driven block by block.</summary>
internal sealed class TestNode
{
    public TestNode(GenesisFile genesis, CompatibilityProfile profile, IstanbulOptions? istanbul = null)
    {
        Rules = new ChainRules(genesis.Config, profile, EngineFactory.Create(genesis.Config, profile, Store, istanbul));
        Public = new StateStore(Store, "public");
        Private = new StateStore(Store, ChainStore.PrivateStateId);
        Importer = new BlockImporter(Rules, Public, Private);
        Write(Importer.Genesis(genesis), genesis.Difficulty);
        PrivateHead = Head;
    }

    public MemoryKeyValueStore Store { get; } = new();

    public ChainRules Rules { get; }

    public RaftBlockProducer Producer => new(Rules.Config, Rules.Profile);

    public StateStore Public { get; }

    public StateStore Private { get; }

    public BlockImporter Importer { get; }

    public BlockHeader Head { get; private set; } = null!;

    public BlockHeader PrivateHead { get; private set; }

    public Hash256 HashAt(ulong number) => ChainStore.GetCanonicalHash(Store, number) ?? default;

    public IReadOnlyList<RecoveredTransaction> Recover(Block block)
    {
        var rules = Rules.SenderRulesAt(block.Number);
        return [.. block.Transactions.Select(tx => TransactionSigner.Recover(tx, rules)
            ?? throw new InvalidBlockException($"invalid sender of {tx.Hash}"))];
    }

    public ImportedBlock Import(Block block, Func<PayloadHash, PayloadAnswer?> payloads, Func<PayloadHash, VoteAnswer?>? votes = null)
    {
        var privateParent = PrivateHead.Hash == Head.Hash ? Private.Head : null;
        var imported = Importer.Import(block, Head, Recover(block), new(Public.Head, privateParent, HashAt, payloads, votes));
        Write(imported, ChainStore.GetTotalDifficulty(Store, Head.Hash)!.Value + block.Header.Difficulty);
        return imported;
    }

    /// <summary>Takes the private head one block further; false when a payload is still missing.</summary>
    public bool Replay(Func<PayloadHash, PayloadAnswer?> payloads, Func<PayloadHash, VoteAnswer?>? votes = null)
    {
        var block = ChainStore.GetBlock(Store, PrivateHead.Number + 1)!;
        using var snapshot = Store.Snapshot();
        var run = new PrivateExecution(Rules, block.Header, Recover(block),
            new(Public.At(snapshot, PrivateHead.Number), Private.Head, HashAt));
        while (!run.IsDone)
        {
            if (run.Share?.AwaitedVote is { } vote)
            {
                if (votes?.Invoke(vote) is not { } voted) return false;
                run.Settle(voted);
                continue;
            }
            var answer = run.Awaited is { } hash ? payloads(hash) : null;
            if (answer is null && run.Awaited is not null)
                return false;
            run.Step(answer);
        }
        var execution = run.Complete();
        var layer = Private.Extend(Private.Head, block.Number, execution.PrivateChanges!);
        var batch = new KeyValueBatch();
        BlockImporter.PutPrivate(batch, ChainStore.PrivateStateId, Private, block.Header, layer, execution);
        Store.Write(batch, sync: false);
        Private.Advance(layer);
        PrivateHead = block.Header;
        return true;
    }

    public void Write(ImportedBlock imported, in UInt256 totalDifficulty)
    {
        var batch = new KeyValueBatch();
        Importer.Put(batch, imported, totalDifficulty);
        Store.Write(batch, sync: false);
        Importer.Advance(imported);
        Head = imported.Block.Header;
        if (imported.PrivateLayer is not null)
            PrivateHead = Head;
    }
}
