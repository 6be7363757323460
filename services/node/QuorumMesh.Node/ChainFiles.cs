using QuorumMesh.Chain;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.ServiceDefaults;

namespace QuorumMesh.Node;

/// <summary>The init, import and export commands. Files are blocks' RLP one after another, as geth writes them.</summary>
internal static class ChainFiles
{
    private const int MaxBlockSize = 64 << 20;

    public static int Init(NodeSettings settings, string genesisFile)
    {
        var data = DataDirectory.Open(settings.DataDirectory);
        using var stores = ChainOpener.Open(data, genesisFile, settings.Profile).KeyValues;
        Console.WriteLine($"genesis block {ChainStore.GetCanonicalHash(stores, 0)} is in {data.Path}");
        return 0;
    }

    public static int Export(NodeSettings settings, string file)
    {
        var data = DataDirectory.Open(settings.DataDirectory);
        using var store = ChainOpener.Open(data, settings.Genesis, settings.Profile).KeyValues;
        var head = ChainStore.GetPublicHead(store)!.Value.Number;
        using var output = File.Create(file);
        for (var number = 0UL; number <= head; number++)
            output.Write(ChainStore.GetBlock(store, number)!.Encode());
        Console.WriteLine($"exported blocks 0 to {head} to {file}");
        return 0;
    }

    /// <summary>Executes the file's blocks on the chain. The private side waits until the node runs with its manager.</summary>
    public static int Import(NodeSettings settings, string file)
    {
        var data = DataDirectory.Open(settings.DataDirectory);
        var stores = ChainOpener.Open(data, settings.Genesis, settings.Profile);
        using var store = stores.KeyValues;
        using var input = File.OpenRead(OptionRules.ExistingFile("FILE", file));
        var importer = new ChainImporter(stores, settings.Archive);
        var imported = 0UL;
        try
        {
            foreach (var block in Read(input, file))
                if (importer.Import(block)) imported++;
        }
        catch (NodeHaltedException e)
        {
            throw new StartupException($"{e.Message}; {imported} blocks were imported before it");
        }
        importer.Close();
        Console.WriteLine($"imported {imported} blocks; the head is {importer.Head.Number} {importer.Head.Hash}");
        return 0;
    }

    private static IEnumerable<Block> Read(Stream input, string file)
    {
        var header = new byte[9];
        while (input.Position < input.Length)
        {
            var start = input.Position;
            var have = input.ReadAtLeast(header, header.Length, throwOnEndOfStream: false);
            var size = ItemSize(header.AsSpan(0, have));
            if (size <= 0 || size > MaxBlockSize || start + size > input.Length)
                throw new StartupException($"{file} is damaged at byte {start}: no whole block starts there");
            input.Position = start;
            var raw = new byte[size];
            input.ReadExactly(raw);
            Block block;
            try
            {
                block = Block.Decode(raw);
            }
            catch (FormatException e)
            {
                throw new StartupException($"{file} is damaged at byte {start}: {e.Message}");
            }
            yield return block;
        }
    }

    /// <summary>Whole size of the RLP list that starts with these bytes; 0 when none does.</summary>
    private static long ItemSize(ReadOnlySpan<byte> start)
    {
        if (start.IsEmpty || start[0] < 0xc0) return 0;
        if (start[0] <= 0xf7) return 1 + (start[0] - 0xc0);
        var digits = start[0] - 0xf7;
        if (digits > 4 || start.Length <= digits) return 0;
        var length = 0L;
        foreach (var digit in start.Slice(1, digits)) length = (length << 8) | digit;
        return 1 + digits + length;
    }
}
