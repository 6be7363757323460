using System.Diagnostics;
using System.Globalization;
using QuorumMesh.Chain;
using QuorumMesh.Node;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;

namespace QuorumMesh.Benchmarks.Import;

/// <summary>
/// What the node's import command does, with a look at memory on the way. The chain is made by a process of its own, into a file,
/// so that nothing of that is counted.
/// </summary>
internal static class ImportBench
{
    private const int Reports = 10;

    /// <param name="cache">As the node's --cache.</param>
    /// <param name="file">Made when it is not there, and kept then; null for one that goes away.</param>
    /// <param name="replays">Afterwards the public history is made again, as for a private payload that comes late.</param>
    public static int Run(int blocks, int transactions, int cache, string? file, bool replays)
    {
        var directory = Directory.CreateTempSubdirectory("qmesh-bench-").FullName;
        try
        {
            file ??= Path.Combine(directory, "chain.rlp");
            if (!File.Exists(file)) MakeElsewhere(file, blocks, transactions);
            Import(Path.Combine(directory, "node"), file, Math.Max(1, (ulong)blocks / Reports), transactions, cache, replays);
            return 0;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>Writes the chain, and its genesis beside it.</summary>
    public static int Make(string file, int blocks, int transactions, bool isIbft = false)
    {
        using var maker = new ChainMaker(isIbft);
        File.WriteAllText(GenesisOf(file), maker.Genesis);
        using (var output = BlockFile.Create(file + ".part", append: false))
            for (var block = 0; block < blocks; block++) output.Write(maker.Next(transactions));
        File.Move(file + ".part", file);
        return 0;
    }

    /// <summary>By a process of its own.</summary>
    public static void MakeElsewhere(string file, int blocks, int transactions, string command = "import-make")
    {
        var host = Environment.ProcessPath!;
        string[] own = Path.GetFileNameWithoutExtension(host) == "dotnet" ? [typeof(ImportBench).Assembly.Location] : [];
        using var maker = Process.Start(new ProcessStartInfo(host, [.. own, command, file, Text(blocks), Text(transactions)]))!;
        maker.WaitForExit();
        if (maker.ExitCode != 0) throw new InvalidOperationException("the chain could not be made");
        static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
    }

    private static void Import(string directory, string file, ulong interval, int transactions, int cache, bool replays)
    {
        var settings = new NodeSettings { DataDirectory = directory, Genesis = GenesisOf(file), Cache = new CacheSizes(cache) };
        using var stores = ChainOpener.Open(DataDirectory.Open(directory), settings);
        var importer = new ChainImporter(stores, settings.KeptPublicBlocks);
        Console.WriteLine($"import: {transactions} transactions in a block, --cache {cache}");
        var progress = new Progress(interval, transactions);
        foreach (var block in BlockFile.Read(file))
        {
            importer.Import(block);
            progress.Reached(block.Number, stores.Public.Held, isLast: false);
        }
        progress.Reached(importer.Head.Number, stores.Public.Held, isLast: true);
        importer.Close();
        Prove(stores, importer.Head);
        if (replays) Replay(stores, importer.Head.Number, new Progress(interval, transactions));
    }

    private static void Prove(NodeStores stores, BlockHeader head)
    {
        const int calls = 100;
        stores.Public.ReleaseProofs();
        var clock = Stopwatch.StartNew();
        Once();
        var first = clock.Elapsed;
        clock.Restart();
        for (var call = 0; call < calls; call++) Once();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"a proof at the head: {first.TotalMilliseconds:F1} ms, again {clock.Elapsed.TotalMilliseconds / calls:F2} ms"));
        void Once()
        {
            using var snapshot = stores.KeyValues.Snapshot();
            var proof = stores.Public.Prove(snapshot, head.Number, default, []);
            if (Keccak.Hash(proof.AccountNodes[0]) != head.StateRoot)
                throw new InvalidOperationException("the proof does not begin at the root");
        }
    }

    private static void Replay(NodeStores stores, ulong head, Progress progress)
    {
        Console.WriteLine("public history once more:");
        var replay = new PublicReplay(stores);
        while (replay.StateAfter(head) is null) progress.Reached(replay.Reached, replay.Held, isLast: false);
        progress.Reached(head, replay.Held, isLast: true);
    }

    private sealed class Progress(ulong interval, int transactions)
    {
        private readonly Stopwatch _clock = Stopwatch.StartNew();
        private ulong _last;

        public void Reached(ulong block, (int Accounts, int Slots, long TrieBytes) held, bool isLast)
        {
            if (block == _last || (block < _last + interval && !isLast)) return;
            var rate = (block - _last) / _clock.Elapsed.TotalSeconds;
            using var self = Process.GetCurrentProcess();
            var (resident, committed) = (self.WorkingSet64, GC.GetGCMemoryInfo().TotalCommittedBytes);
            var heap = GC.GetTotalMemory(forceFullCollection: true);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"block {block,9:N0}: {rate,6:N0} blocks/s, "
                + $"{rate * transactions,7:N0} transactions/s; resident {Mega(resident):N0} MB, of it heap with garbage "
                + $"{Mega(committed):N0}, live objects {Mega(heap):N0}; in the caches {held.Accounts:N0} accounts, {held.Slots:N0} slots, "
                + $"{Mega(held.TrieBytes):N1} MB of trie nodes"));
            _last = block;
            _clock.Restart();
        }

        private static double Mega(long bytes) => bytes / 1048576.0;
    }

    public static string GenesisOf(string file) => file + ".genesis.json";
}
