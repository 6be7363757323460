using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Store;
using QuorumMesh.Tests;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.State.Tests;

/// <summary>Runs random blocks through a state store beside the model.</summary>
internal static class StateRuns
{
    public static List<StateModel> Run(RandomBlocks.Operation[][] blocks, IKeyValueStore store, StateStore state)
    {
        var model = new StateModel();
        var models = new List<StateModel>();
        for (var i = 0; i < blocks.Length; i++)
        {
            var world = new WorldState(state.Head);
            RandomBlocks.Apply(blocks[i], world, model);
            var layer = state.Extend(state.Head, (ulong)i, world.TakeChanges());
            Assert.Equal(model.Root(), layer.Root);
            Assert.Equal(model.Root(), world.IntermediateRoot());
            Flush(store, state, layer);
            models.Add(model.Copy());
        }

        return models;
    }

    public static void Flush(IKeyValueStore store, StateStore state, StateLayer layer)
    {
        var batch = new KeyValueBatch();
        state.Flush(layer, Keccak.Hash(layer.Root.ToArray()), batch);
        store.Write(batch, sync: false);
        state.Advance(layer);
    }

    /// <summary>As <see cref="StartWork"/>.</summary>
    public static RunningWork OnAThread(Action work)
    {
        var task = Task.Factory.StartNew(work, default, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        return new RunningWork(() => task.IsCompleted, () => task.WaitAsync(Beside.Limit).GetAwaiter().GetResult());
    }

    public static void AssertHistory(IKeyValueStore store, StateStore state, List<StateModel> models)
    {
        using var snapshot = store.Snapshot();
        models[^1].AssertSame(state.Head, RandomBlocks.Addresses, RandomBlocks.Slots, "head");
        Assert.Equal(models[^1].Root(), state.Head.Root);
        for (var block = 0; block < models.Count; block++)
        {
            if ((ulong)block < state.OldestBlock)
            {
                Assert.Throws<StateUnavailableException>(() => state.At(snapshot, (ulong)block));
                continue;
            }

            var model = models[block];
            model.AssertSame(state.At(snapshot, (ulong)block), RandomBlocks.Addresses, RandomBlocks.Slots, $"block {block}");
            Assert.Equal(model.Root(), state.BlockAt(snapshot, (ulong)block)!.Value.Root);
            Assert.Equal(model.Accounts.Keys.Order(), state.Accounts(snapshot, (ulong)block).Select(a => a.Address));
            foreach (var address in RandomBlocks.Addresses)
                Assert.Equal(model.StorageOf(address), state.Storage(snapshot, (ulong)block, address));
            AssertProof(snapshot, state, (ulong)block);
        }
    }

    private static void AssertProof(IKeyValueSnapshot snapshot, StateStore state, ulong block)
    {
        var address = RandomBlocks.Addresses[block % (ulong)RandomBlocks.Addresses.Length];
        var proof = state.Prove(snapshot, block, address, RandomBlocks.Slots);
        var reader = state.At(snapshot, block);
        Assert.Equal(reader.GetAccount(address), proof.Account);
        Assert.Equal(RandomBlocks.Slots.Select(s => reader.GetStorage(address, s)), proof.Storage.Select(s => s.Value));
        var root = state.BlockAt(snapshot, block)!.Value.Root;
        Assert.Equal(root, proof.AccountNodes.Count == 0 ? Hash256.EmptyTrie : Keccak.Hash(proof.AccountNodes[0]));
        if (proof.Account is { } account)
            Assert.All(proof.Storage.Where(s => s.Nodes.Count > 0), s => Assert.Equal(account.StorageRoot, Keccak.Hash(s.Nodes[0])));
    }
}
