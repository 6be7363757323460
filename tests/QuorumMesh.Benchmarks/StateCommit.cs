using System.Diagnostics;
using QuorumMesh.Node.Storage;
using QuorumMesh.Node.Storage.KeyValue;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Store;

namespace QuorumMesh.Benchmarks;

/// <summary>State commit on RocksDB: blocks of transfers over many accounts, roots included.</summary>
public static class StateCommit
{
    /// <summary>Fills a fresh store with accounts, then commits blocks of transfers; returns the report line.</summary>
    /// <param name="directory">A folder that may be filled; it is removed at the end.</param>
    public static string Run(string directory, int accounts = 100_000, int blocks = 100, int transfersPerBlock = 1_000)
    {
        try
        {
            using var store = RocksKeyValueStore.Open(directory);
            var state = new StateStore(store, "public");
            var fill = Stopwatch.StartNew();
            Fill(store, state, accounts);
            fill.Stop();

            var times = new Times();
            var order = new LinearRandom(12345);
            for (var i = 0; i < blocks; i++)
                Block(store, state, accounts, transfersPerBlock, order, times);
            return times.Report(accounts, Math.Max(1, blocks), transfersPerBlock, fill.Elapsed);
        }
        finally
        {
            if (Directory.Exists(directory)) Directory.Delete(directory, recursive: true);
        }
    }

    private static void Fill(RocksKeyValueStore store, StateStore state, int accounts)
    {
        var world = new WorldState(state.Head);
        for (var i = 0; i < accounts; i++)
            world.SetBalance(BenchAccount.At(i), UInt256.MaxValue >> 100);
        Commit(store, state, state.Extend(state.Head, 0, world.TakeChanges()), new Times());
    }

    private static void Block(RocksKeyValueStore store, StateStore state, int accounts, int transfers, LinearRandom order, Times times)
    {
        var start = Stopwatch.GetTimestamp();
        var world = new WorldState(state.Head);
        for (var i = 0; i < transfers; i++)
        {
            var (from, to) = (BenchAccount.At(order.Below(accounts)), BenchAccount.At(order.Below(accounts)));
            world.BeginTransaction();
            world.SetNonce(from, world.GetNonce(from) + 1);
            world.SubtractBalance(from, 1u);
            world.AddBalance(to, 1u);
            world.FinaliseTransaction(deleteEmpty: true);
        }

        var changes = world.TakeChanges();
        times.Execute += Stopwatch.GetElapsedTime(start);
        start = Stopwatch.GetTimestamp();
        var layer = state.Extend(state.Head, state.Head.Block + 1, changes);
        times.Root += Stopwatch.GetElapsedTime(start);
        Commit(store, state, layer, times);
    }

    private static void Commit(RocksKeyValueStore store, StateStore state, StateLayer layer, Times times)
    {
        var start = Stopwatch.GetTimestamp();
        var batch = new KeyValueBatch();
        state.Flush(layer, layer.Root, batch);
        store.Write(batch, sync: false);
        state.Advance(layer);
        times.Write += Stopwatch.GetElapsedTime(start);
    }

    private sealed class Times
    {
        public TimeSpan Execute { get; set; }

        public TimeSpan Root { get; set; }

        public TimeSpan Write { get; set; }

        public string Report(int accounts, int blocks, int transfers, TimeSpan fill)
        {
            var total = Execute + Root + Write;
            return $"state commit, {blocks} blocks of {transfers} transfers over {accounts} accounts: "
                + $"{total.TotalMilliseconds / blocks:F1} ms a block (state work {Execute.TotalMilliseconds / blocks:F1}, root "
                    + $"{Root.TotalMilliseconds / blocks:F1}, "
                + $"diffs and write {Write.TotalMilliseconds / blocks:F1}), {blocks * transfers / total.TotalSeconds:F0} transfers/s; "
                    + $"filled in {fill.TotalSeconds:F1} s";
        }
    }
}
