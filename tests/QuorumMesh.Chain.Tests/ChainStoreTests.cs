using QuorumMesh.Chain.Storage;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Chain.Tests;

public sealed class ChainStoreTests
{
    private static readonly Block Sample = new(
        new BlockHeader { Number = 7, GasLimit = 1000 },
        [new Transaction { Nonce = 1, V = 27u, R = 1u, S = 1u },
            new Transaction { V = 37u, R = 2u, S = 2u, Data = Enumerable.Repeat((byte)9, 64).ToArray() },
            new Transaction { Type = TransactionType.DynamicFee, TypedChainId = 10u, R = 3u, S = 3u }]);

    private static readonly Receipt[] Receipts =
    [
        new Receipt { Status = 1, CumulativeGasUsed = 5, GasUsed = 5, ContractAddress = Address.ForCreate(default, 1),
            Logs = [new LogEntry(default, [Keccak.Hash([1])], [1, 2])], Bloom = Bloom.Of([new LogEntry(default, [Keccak.Hash([1])], [])]) },
        new Receipt { Status = 0, CumulativeGasUsed = 5, RevertReason = [8, 9] },
        new Receipt { Type = TransactionType.DynamicFee, PostState = Keccak.Hash([2]), CumulativeGasUsed = 9, GasUsed = 4 },
    ];

    [Fact]
    public void Everything_comes_back()
    {
        using var store = Filled();
        Assert.Equal(Sample.Encode(), ChainStore.GetBlock(store, 7)!.Encode());
        Assert.Equal(Sample.Header, ChainStore.GetHeader(store, Sample.Hash));
        Assert.Equal(Sample.EncodeBody(), ChainStore.GetEncodedBody(store, Sample.Hash)!.Value.ToArray());
        Assert.Equal((UInt256)99u, ChainStore.GetTotalDifficulty(store, Sample.Hash));
        Assert.Equal(new TransactionLocation(7, 2), ChainStore.GetTransactionLocation(store, Sample.Transactions[2].Hash));
        Assert.Equal([new TransactionLocation(7, 1)], ChainStore.GetPayloadUses(store, new PayloadHash(Sample.Transactions[1].Data)));
        Assert.Equal(Receipts.Select(r => Hex.ToHex(r.Encode())),
            ChainStore.GetReceipts(store, Sample.Hash)!.Select(r => Hex.ToHex(r.Encode())));
        Assert.Equal(Receipts.Select(r => (r.GasUsed, r.ContractAddress)),
            ChainStore.GetReceipts(store, Sample.Hash)!.Select(r => (r.GasUsed, r.ContractAddress)));
        Assert.Equal(Receipts.Select(r => r.RevertReason), ChainStore.GetReceipts(store, Sample.Hash)!.Select(r => r.RevertReason));
        var own = ChainStore.GetPrivateReceipts(store, ChainStore.PrivateStateId, Sample.Hash)!;
        Assert.Equal([false, true, false], own.Select(r => r is not null));
        Assert.Null(ChainStore.GetPrivateReceipts(store, "other", Sample.Hash));
        Assert.Equal(new BlockPointer(7, Sample.Hash), ChainStore.GetPublicHead(store));
        Assert.Equal(new BlockPointer(6, Sample.Header.ParentHash), ChainStore.GetPrivateHead(store));
        Assert.Equal(41ul, ChainStore.GetAppliedRaftIndex(store));
    }

    /// <summary>So that an older build reads it, and a store is the same with and without the setting while nothing reverts.</summary>
    [Fact]
    public void A_receipt_without_a_reason_is_stored_as_before_there_were_any()
    {
        var writer = new RlpWriter();
        new Receipt { Status = 1, CumulativeGasUsed = 5, GasUsed = 4 }.WriteStored(writer);
        Assert.Equal("0xc6800105c00480", Hex.ToHex(writer.WrittenSpan));
    }

    [Fact]
    public void Nothing_is_there_before()
    {
        using var store = new MemoryKeyValueStore();
        Assert.Null(ChainStore.GetPublicHead(store));
        Assert.Null(ChainStore.GetBlock(store, 0));
        Assert.Null(ChainStore.GetReceipts(store, Sample.Hash));
        Assert.Equal(0ul, ChainStore.GetAppliedRaftIndex(store));
        Assert.Empty(ChainStore.GetPayloadUses(store, new PayloadHash(Sample.Transactions[1].Data)));
    }

    [Fact]
    public void Removed_blocks_leave_the_indexes()
    {
        using var store = Filled();
        var batch = new KeyValueBatch();
        ChainStore.RemoveCanonical(batch, Sample);
        store.Write(batch, sync: false);
        Assert.Null(ChainStore.GetCanonicalHash(store, 7));
        Assert.Null(ChainStore.GetTransactionLocation(store, Sample.Transactions[0].Hash));
        Assert.Empty(ChainStore.GetPayloadUses(store, new PayloadHash(Sample.Transactions[1].Data)));
        Assert.NotNull(ChainStore.GetBlock(store, Sample.Hash));
    }

    [Fact]
    public void Every_flipped_bit_is_found()
    {
        using var store = Filled();
        foreach (var (key, value) in store.Scan([(byte)'c']).ToList())
        {
            for (var bit = 0; bit < value.Length * 8; bit += 5)
            {
                var damaged = (byte[])value.Clone();
                damaged[bit / 8] ^= (byte)(1 << (bit % 8));
                Assert.Throws<ChainCorruptException>(() => ChainRecord.Check(key, damaged, "test"));
            }
        }
        var header = store.Scan([(byte)'c', (byte)'h']).Single();
        var batch = new KeyValueBatch();
        header.Value[10] ^= 1;
        batch.Put(header.Key.AsSpan(), header.Value.AsSpan());
        store.Write(batch, sync: false);
        Assert.Throws<ChainCorruptException>(() => ChainStore.GetBlock(store, 7));
    }

    [Fact]
    public void Log_indexes_follow_the_profile()
    {
        var log = new LogEntry(default, [], []);
        Receipt With(int logs) => new() { Logs = [.. Enumerable.Repeat(log, logs)] };
        Receipt[] list = [With(2), With(0), With(1), With(0)];
        Receipt?[] own = [null, With(3), null, With(2)];
        var secret = new Transaction { V = 37u };
        Transaction[] transactions = [new(), secret, new(), secret];
        Assert.Equal([0u, 0, 2, 3], ReceiptView.Merge(transactions, list, own, CompatibilityProfile.V2_5).Select(v => v.FirstLogIndex));
        Assert.Equal([0u, 2, 5, 6], ReceiptView.Merge(transactions, list, own, CompatibilityProfile.V24).Select(v => v.FirstLogIndex));
        Assert.Equal([2, 0, 1, 0], ReceiptView.Merge(transactions, list, null, CompatibilityProfile.V24).Select(v => v.Receipt.Logs.Count));
    }

    private static MemoryKeyValueStore Filled()
    {
        var store = new MemoryKeyValueStore();
        var batch = new KeyValueBatch();
        ChainStore.PutBlock(batch, Sample, 99u);
        ChainStore.PutCanonical(batch, Sample);
        ChainStore.PutReceipts(batch, Sample.Hash, Receipts);
        ChainStore.PutPrivateReceipts(batch, ChainStore.PrivateStateId, Sample.Hash, [null, Receipts[0], null]);
        ChainStore.PutPublicHead(batch, new BlockPointer(7, Sample.Hash));
        ChainStore.PutPrivateHead(batch, ChainStore.PrivateStateId, new BlockPointer(6, Sample.Header.ParentHash));
        ChainStore.PutAppliedRaftIndex(batch, 41);
        store.Write(batch, sync: true);
        return store;
    }
}
