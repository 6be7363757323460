using QuorumMesh.State;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Store;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

public sealed class NodeStoresTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_store_closes_after_what_is_being_stored_has_ended_well_or_not(bool fails)
    {
        var waited = false;
        RunningWork Start(Action work) => new(
            static () => false,
            () =>
            {
                waited = true;
                if (fails) throw new IOException("the disk is full");
                work();
            });
        var store = new RecordingStore();
        var stores = new NodeStores(store, TestChain.Open(store).Rules, new StateStoreOptions { UnsavedBlocks = 0, StartWork = Start });
        var layer = stores.Public.Extend(stores.Public.Head, 1, new StateChangeSet());
        var batch = new KeyValueBatch();
        stores.Public.Flush(layer, default, batch);
        store.Write(batch, sync: false);
        stores.Public.Advance(layer);
        Assert.False(waited);
        stores.Dispose();
        Assert.True(waited);
        Assert.True(store.IsDisposed);
    }
}
