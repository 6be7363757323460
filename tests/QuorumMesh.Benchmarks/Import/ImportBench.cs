using System.Diagnostics;
using System.Globalization;
using QuorumMesh.Chain;
using QuorumMesh.Node;
using QuorumMesh.Node.Runtime;

namespace QuorumMesh.Benchmarks.Import;

/// <summary>
/// What the node's import command does, with a look at memory on the way. The chain is made by a process of its own, into a file, so that nothing of that is counted.
/// </summary>
internal static class ImportBench
{
    private const ulong Interval = 10_000;

    /// <param name="cache">As the node's --cache.</param>
    /// <param name="file">Made when it is not there, and kept then; null for one that goes away.</param>
    public static int Run(int blocks, int transactions, int cache, string? file)
    {
        var directory = Directory.CreateTempSubdirectory("qmesh-bench-").FullName;
        try
        {
            file ??= Path.Combine(directory, "chain.rlp");
            if (!File.Exists(file)) MakeElsewhere(file, blocks, transactions);
            Import(Path.Combine(directory, "node"), file, transactions, cache);
            return 0;
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>Writes the chain, and its genesis beside it.</summary>
    public static int Make(string file, int blocks, int transactions)
    {
        using var maker = new ChainMaker();
        File.WriteAllText(GenesisOf(file), maker.Genesis);
        using (var output = BlockFile.Create(file + ".part", append: false))
            for (var block = 0; block < blocks; block++) output.Write(maker.Next(transactions));
        File.Move(file + ".part", file);
        return 0;
    }

    private static void MakeElsewhere(string file, int blocks, int transactions)
    {
        var host = Environment.ProcessPath!;
        string[] own = Path.GetFileNameWithoutExtension(host) == "dotnet" ? [typeof(ImportBench).Assembly.Location] : [];
        using var maker = Process.Start(new ProcessStartInfo(host, [.. own, "import-make", file, Text(blocks), Text(transactions)]))!;
        maker.WaitForExit();
        if (maker.ExitCode != 0) throw new InvalidOperationException("the chain could not be made");
        static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
    }

    private static void Import(string directory, string file, int transactions, int cache)
    {
        var settings = new NodeSettings { DataDirectory = directory, Genesis = GenesisOf(file), Cache = new CacheSizes(cache) };
        var stores = ChainOpener.Open(DataDirectory.Open(directory), settings);
        using var store = stores.KeyValues;
        var importer = new ChainImporter(stores, settings.KeptPublicBlocks);
        Console.WriteLine($"import: {transactions} transactions in a block, --cache {cache}");
        var clock = Stopwatch.StartNew();
        var last = 0ul;
        foreach (var block in BlockFile.Read(file))
        {
            importer.Import(block);
            if (block.Number % Interval != 0) continue;
            clock.Stop();
            Report(stores, block.Number, (block.Number - last) / clock.Elapsed.TotalSeconds, transactions);
            last = block.Number;
            clock.Restart();
        }
        if (importer.Head.Number > last) Report(stores, importer.Head.Number, (importer.Head.Number - last) / clock.Elapsed.TotalSeconds, transactions);
        importer.Close();
    }

    private static void Report(NodeStores stores, ulong block, double rate, int transactions)
    {
        using var self = Process.GetCurrentProcess();
        var (resident, committed) = (self.WorkingSet64, GC.GetGCMemoryInfo().TotalCommittedBytes);
        var heap = GC.GetTotalMemory(forceFullCollection: true);
        var (accounts, slots, tries) = stores.Public.Held;
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"block {block,9:N0}: {rate,6:N0} blocks/s, {rate * transactions,7:N0} transactions/s; resident {Mega(resident):N0} MB, of it heap with garbage {Mega(committed):N0}, live objects {Mega(heap):N0}; in the caches {accounts:N0} accounts, {slots:N0} slots, {Mega(tries):N1} MB of trie nodes"));
        static double Mega(long bytes) => bytes / 1048576.0;
    }

    private static string GenesisOf(string file) => file + ".genesis.json";
}
