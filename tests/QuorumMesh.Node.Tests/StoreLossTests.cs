using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Storage;
using QuorumMesh.Node.Storage.KeyValue;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;
using QuorumMesh.Tests;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Tests;

/// <summary>A chain whose store lost its newest writes.</summary>
public sealed class StoreLossTests : IDisposable
{
    private const string Recorded = "goquorum/raft3-2.5.0/";
    private readonly TempDirectory _temp = new();

    public void Dispose() => _temp.Dispose();

    [VectorFact]
    public void A_flipped_bit_in_the_log_is_told_with_both_blocks()
    {
        var settings = new NodeSettings { DataDirectory = _temp.File("a"), Genesis = Vectors.Path(Recorded + "genesis.json") };
        var data = DataDirectory.Open(settings.DataDirectory);
        ulong head;
        using (var stores = ChainOpener.Open(data, settings))
        {
            var importer = new ChainImporter(stores, settings.KeptPublicBlocks);
            foreach (var block in BlockFile.Read(Vectors.Path(Recorded + "chain.rlp"))) importer.Import(block);
            head = ChainStore.GetPublicHead(stores.KeyValues)!.Value.Number;
            Assert.Null(((RocksKeyValueStore)stores.KeyValues).Loss);
        }
        var log = Directory.GetFiles(data.ChainData, "*.log").MaxBy(f => new FileInfo(f).Length)!;
        var bytes = File.ReadAllBytes(log);
        bytes[bytes.Length * 3 / 4] ^= 1;
        File.WriteAllBytes(log, bytes);

        using var reopened = ChainOpener.Open(data, settings);
        var loss = ((RocksKeyValueStore)reopened.KeyValues).Loss!;
        Assert.Equal(ChainStore.GetPublicHead(reopened.KeyValues)!.Value.Number, loss.OpenedAt);
        Assert.Contains($"opened at block {loss.OpenedAt}, was at {head}:", StoreLossReport.Describe(loss), StringComparison.Ordinal);
        Assert.True(loss.OpenedAt < head);
    }

    [Theory]
    [InlineData(1, true)]
    [InlineData(3, false)]
    public void What_nobody_else_has_is_refused(int members, bool refused)
    {
        var store = new MemoryKeyValueStore();
        TestChain.Open(store);
        var log = new MemoryRaftLog();
        log.Append(new RaftHardState(1, 1, 9),
            [.. Enumerable.Range(1, 9).Select(i => new RaftEntry(1, (ulong)i, RaftEntryType.Normal, []))], null);
        StoreLossReport.RefuseWhatIsLostForGood(Loss, store, log); // the log has it all
        log.CreateSnapshot(5, new RaftConfState([.. Enumerable.Range(1, members).Select(i => (ulong)i)], []), []);
        log.Compact(5);
        StoreLossReport.RefuseWhatIsLostForGood(null, store, log);
        if (!refused) StoreLossReport.RefuseWhatIsLostForGood(Loss, store, log);
        else Assert.Contains("docs/operations.md",
            Assert.Throws<StartupException>(() => StoreLossReport.RefuseWhatIsLostForGood(Loss, store, log)).Message,
            StringComparison.Ordinal);
    }

    private static StoreLoss Loss { get; } = new(1, 9, "write-ahead log 000004.log is damaged", null);
}
