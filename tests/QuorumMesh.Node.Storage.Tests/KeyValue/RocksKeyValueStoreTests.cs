using CsCheck;
using QuorumMesh.Node.Storage.KeyValue;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Store;
using QuorumMesh.State.Tests;
using QuorumMesh.Tests;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Storage.Tests.KeyValue;

public sealed class RocksKeyValueStoreTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("quorummesh-rocks-").FullName;
    private int _next;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Agrees_with_a_sorted_dictionary() => KeyValueConformance.AgreesWithASortedDictionary(OpenNew, 12);

    [Fact]
    public void Keeps_values_of_every_length()
    {
        using var store = OpenNew();
        KeyValueConformance.KeepsValuesOfEveryLength(store);
    }

    [Fact]
    public void State_agrees_with_the_model_and_reopens() => RandomBlocks.Blocks.Sample(
        blocks =>
        {
            var path = NewPath();
            List<StateModel> models;
            using (var store = RocksKeyValueStore.Open(path))
            {
                var state = new StateStore(store, "public");
                models = StateRuns.Run(blocks, store, state);
                StateRuns.AssertHistory(store, state, models);
            }

            using var reopened = RocksKeyValueStore.Open(path);
            StateRuns.AssertHistory(reopened, new StateStore(reopened, "public"), models);
        },
        iter: 4,
        threads: 1);

    [Fact]
    public void Trie_nodes_stored_on_a_thread_beside_the_blocks_lead_to_the_head() => RandomBlocks.Blocks.Sample(
        blocks =>
        {
            var path = NewPath();
            List<StateModel> models;
            using (var store = RocksKeyValueStore.Open(path))
            {
                var state = new StateStore(store, "public",
                    new StateStoreOptions { UnsavedBlocks = 1, NodeCacheBytes = 2_000, StartWork = StateRuns.OnAThread });
                models = StateRuns.Run(blocks, store, state);
                state.Settle();
                Assert.Empty(StateVerifier.Verify(store, "public"));
            }

            using var reopened = RocksKeyValueStore.Open(path);
            StateRuns.AssertHistory(reopened, new StateStore(reopened, "public"), models);
        },
        iter: 4,
        threads: 1);

    [Fact]
    public void A_second_open_is_refused_in_one_line()
    {
        var path = NewPath();
        using var store = RocksKeyValueStore.Open(path);
        var error = Assert.Throws<StoreLockedException>(() => RocksKeyValueStore.Open(path));
        Assert.Equal($"{path} is in use by another process; stop it or choose another --datadir", error.Message);
        store.Dispose();
        RocksKeyValueStore.Open(path).Dispose();
    }

    [Fact]
    public void A_file_in_the_place_of_the_folder_is_refused()
    {
        var path = NewPath();
        File.WriteAllText(path, "not a folder");
        Assert.Contains(path, Assert.Throws<StoreException>(() => RocksKeyValueStore.Open(path)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Synced_and_unsynced_writes_are_there_after_reopening()
    {
        var path = NewPath();
        using (var store = RocksKeyValueStore.Open(path))
        {
            Put(store, 1, sync: true);
            Put(store, 2, sync: false);
        }

        using var reopened = RocksKeyValueStore.Open(path);
        Assert.Equal([1, 2], reopened.Scan([]).Select(e => (int)e.Key[0]));
    }

    [Fact]
    public void A_snapshot_outlives_the_store_and_then_the_lock_is_free()
    {
        var path = NewPath();
        var store = RocksKeyValueStore.Open(path);
        Put(store, 1, sync: false);
        var snapshot = store.Snapshot();
        var scan = snapshot.Scan([]).GetEnumerator();
        Assert.True(scan.MoveNext());
        store.Dispose();
        store.Dispose();
        Assert.Throws<ObjectDisposedException>(() => store.Get([1]));
        Assert.Throws<ObjectDisposedException>(() => store.Snapshot());
        Assert.Throws<ObjectDisposedException>(() => Put(store, 2, sync: false));
        Assert.Equal([1], snapshot.Get([1]));

        snapshot.Dispose();
        snapshot.Dispose();
        Assert.Throws<ObjectDisposedException>(() => snapshot.Get([1]));
        Assert.False(scan.MoveNext());
        scan.Dispose();
        RocksKeyValueStore.Open(path).Dispose();
    }

    [Fact]
    public void Many_threads_read_while_one_writes()
    {
        using var store = OpenNew();
        Beside.Run(4, (_, stop) =>
        {
            while (!stop.IsCancellationRequested)
            {
                using var snapshot = store.Snapshot();
                var seen = snapshot.Scan([]).Count();
                Assert.Equal(seen, snapshot.Scan([]).Count());
            }
        }, _ =>
        {
            for (var i = 0; i < 250; i++)
                Put(store, (byte)i, sync: false);
        });
        Assert.Equal(250, store.Scan([]).Count());
    }

    private static void Put(RocksKeyValueStore store, byte key, bool sync)
    {
        var batch = new KeyValueBatch();
        batch.Put([key], [key]);
        store.Write(batch, sync);
    }

    private RocksKeyValueStore OpenNew() => RocksKeyValueStore.Open(NewPath());

    private string NewPath() => Path.Combine(_root, $"store{_next++}");
}
