using System.Diagnostics;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Storage;
using QuorumMesh.Node.Storage.KeyValue;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.State;

namespace QuorumMesh.Node;

/// <summary>The init, import and export commands.</summary>
internal static class ChainFiles
{
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(8);

    public static int Init(NodeSettings settings, string genesisFile)
    {
        var data = DataDirectory.Open(settings.DataDirectory);
        using var stores = ChainOpener.Open(data, settings with { Genesis = genesisFile });
        Console.WriteLine($"genesis block {ChainStore.GetCanonicalHash(stores.KeyValues, 0)} is in {data.Path}");
        return 0;
    }

    /// <summary>
    /// Writes the whole chain to a new file, or a range behind what the file has. A node may have the chain open meanwhile.
    /// </summary>
    public static int Export(NodeSettings settings, string file, ulong? first = null, ulong? last = null)
    {
        var data = DataDirectory.Open(settings.DataDirectory);
        using var store = OpenToRead(data);
        var head = ChainStore.GetPublicHead(store)?.Number ?? throw NoChain(data);
        var (from, to) = (first ?? 0, last ?? head);
        if (from > to) throw new OptionsException("FIRST", $"{from} is greater than the last block, {to}");
        if (to > head) throw new OptionsException("LAST", $"the chain ends at block {head}, there is no block {to}");
        using (var output = BlockFile.Create(file, append: first is not null))
            for (var number = from; number <= to; number++)
                output.Write((ChainStore.GetBlock(store, number)
                    ?? throw new ChainCorruptException($"block {number} is below the head and not stored")).Encode());
        Console.WriteLine($"exported blocks {from} to {to} to {file}");
        return 0;
    }

    /// <summary>
    /// Verifies and executes the file's blocks. Those that the chain has are passed over, so that an import that was cut off goes
    /// on. The private side waits until the node runs with its manager.
    /// </summary>
    public static int Import(NodeSettings settings, string file, CancellationToken cancel = default)
    {
        OptionRules.ExistingFile("FILE", file);
        var data = DataDirectory.Open(settings.DataDirectory);
        using var stores = ChainOpener.Open(data, settings);
        var importer = new ChainImporter(stores, settings.KeptPublicBlocks);
        var (imported, clock, reported) = (0UL, Stopwatch.StartNew(), TimeSpan.Zero);
        try
        {
            foreach (var block in BlockFile.Read(file))
            {
                if (cancel.IsCancellationRequested) break;
                if (importer.Import(block)) imported++;
                if (clock.Elapsed - reported < ProgressInterval) continue;
                reported = clock.Elapsed;
                Console.WriteLine($"block {block.Number}: {imported} imported, {imported / clock.Elapsed.TotalSeconds:F0} a second");
            }
        }
        catch (NodeHaltedException e)
        {
            importer.Close();
            throw new StartupException($"{e.Message}; {imported} blocks were imported before it, the head is {importer.Head.Number}");
        }
        importer.Close();
        var how = cancel.IsCancellationRequested ? "stopped: import the file again to go on; " : "";
        Console.WriteLine($"{how}imported {imported} blocks; the head is {importer.Head.Number} {importer.Head.Hash}");
        return cancel.IsCancellationRequested ? 1 : 0;
    }

    private static RocksKeyValueStore OpenToRead(DataDirectory data)
    {
        if (!Directory.Exists(data.ChainData)) throw NoChain(data);
        return RocksKeyValueStore.OpenReadOnly(data.ChainData);
    }

    private static StartupException NoChain(DataDirectory data) =>
        new($"there is no chain in {data.Path}: run 'quorummesh-node init GENESIS --datadir {data.Path}' first");
}
