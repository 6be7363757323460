using System.Buffers.Binary;
using QuorumMesh.Node.Storage.KeyValue;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;
using QuorumMesh.Tests;

namespace QuorumMesh.Node.Storage.Tests.KeyValue;

/// <summary>A store that was killed, as a copy of its files while it is open, with damage in its write-ahead log.</summary>
public sealed class StoreLogTests : IDisposable
{
    private const int Writes = 60;
    private const int Synced = 40; // the last one that was
    private static readonly RocksStoreOptions Options = new()
    {
        Position = static r => r.Get("head"u8) is { } head
        ? BinaryPrimitives.ReadUInt64BigEndian(head) : 0
    };
    private readonly string _root = Directory.CreateTempSubdirectory("quorummesh-storelog-").FullName;
    private readonly string _killed;
    private readonly string _log;
    private int _next;

    public StoreLogTests()
    {
        var path = Path.Combine(_root, "open");
        _killed = Path.Combine(_root, "killed");
        using var store = RocksKeyValueStore.Open(path, Options);
        var random = new Random(5);
        for (var i = 1; i <= Writes; i++)
        {
            var batch = new KeyValueBatch();
            var value = new byte[i == 20 ? 100_000 : random.Next(1, 4_000)];
            random.NextBytes(value);
            batch.Put([(byte)i], value);
            batch.Put("head"u8, BigEndian((ulong)i));
            store.Write(batch, sync: i == Synced);
        }
        Copy(path, _killed);
        _log = Path.GetFileName(Directory.GetFiles(_killed, "*.log").Single());
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void A_killed_store_has_no_fault_and_lost_nothing()
    {
        Assert.Empty(Faults(_killed));
        using var store = RocksKeyValueStore.Open(_killed, Options);
        Assert.Null(store.Loss);
        Assert.Equal(Writes, (int)Options.Position!(store));
    }

    [Fact]
    public void A_flipped_bit_anywhere_in_the_log_is_found()
    {
        var length = LogOf(_killed).Length;
        for (var i = 0; i < 16; i++)
        {
            var at = (int)((long)i * (length - 1) / 15);
            Assert.True(Faults(Damaged(log => log[at] ^= 0x04)).Count > 0, $"byte {at} of {length}");
        }
    }

    [Fact]
    public void A_flipped_bit_before_good_records_is_found_in_a_store_without_a_mark()
    {
        var length = LogOf(_killed).Length;
        for (var i = 0; i < 40; i++)
            Assert.Contains(_log, Assert.Single(
                RocksWal.Faults(Damaged(log => log[(int)((long)i * (length - 5_000) / 40)] ^= 0x80), mark: null)),
                StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    [InlineData(5_000)]
    public void A_torn_end_is_no_fault_when_nobody_knows_of_more(int bytes)
    {
        foreach (var path in new[] { Cut(bytes), Damaged(log => log.AsSpan(log.Length - bytes).Clear()) })
        {
            File.Delete(Path.Combine(path, StoreMark.FileName));
            Assert.Empty(Faults(path));
            using var store = RocksKeyValueStore.Open(path, Options);
            Assert.Null(store.Loss);
        }
    }

    [Fact]
    public void After_a_power_loss_the_unsynced_end_may_be_missing_and_the_rest_may_not()
    {
        var path = Cut(1_000);
        AsOfAnotherBoot(path);
        Assert.Empty(Faults(path));
        using (var store = RocksKeyValueStore.Open(path, Options))
        {
            Assert.Null(store.Loss);
            Assert.InRange(Options.Position!(store), (ulong)Synced, (ulong)Writes - 1);
        }

        path = Damaged(log => log[^1_000] ^= 1); // a later page came, an earlier one did not
        AsOfAnotherBoot(path);
        Assert.Empty(Faults(path));

        path = Cut(LogOf(_killed).Length / 2);
        AsOfAnotherBoot(path);
        Assert.Contains($"(block {Synced})", Assert.Single(Faults(path)), StringComparison.Ordinal);
        using var reopened = RocksKeyValueStore.Open(path, Options);
        Assert.Equal((ulong)Synced, reopened.Loss!.WasAt);
    }

    [Fact]
    public void A_flush_covers_the_writes_before_it_and_none_that_come_later()
    {
        var path = Path.Combine(_root, "flushed");
        var killed = Path.Combine(_root, "flushed-killed");
        using (var store = RocksKeyValueStore.Open(path, Options))
        {
            for (var i = 1; i <= Writes; i++)
            {
                var batch = new KeyValueBatch();
                batch.Put([(byte)i], new byte[1_000]);
                batch.Put("head"u8, BigEndian((ulong)i));
                store.Write(batch, sync: false);
                if (i == Synced) store.Sync();
            }
            Copy(path, killed);
        }
        var log = Directory.GetFiles(killed, "*.log").Single();
        AsOfAnotherBoot(killed);
        File.WriteAllBytes(log, File.ReadAllBytes(log)[..^1_000]);
        Assert.Empty(Faults(killed)); // what came after the flush may be gone after a power loss
        File.WriteAllBytes(log, File.ReadAllBytes(log)[..30_000]); // in the middle of what the flush covered
        Assert.Contains($"(block {Synced})", Assert.Single(Faults(killed)), StringComparison.Ordinal);
    }

    [Fact]
    public void Opening_says_what_was_lost_and_keeps_the_damaged_files()
    {
        var path = Damaged(log => log[log.Length / 2] ^= 1);
        var damaged = File.ReadAllBytes(Path.Combine(path, _log));
        using (var store = RocksKeyValueStore.Open(path, Options))
        {
            var loss = store.Loss!;
            Assert.Equal((Options.Position!(store), (ulong?)Writes), (loss.OpenedAt, loss.WasAt));
            Assert.InRange(loss.OpenedAt, 1UL, (ulong)Writes - 1);
            Assert.Contains(_log, loss.Cause, StringComparison.Ordinal);
            Assert.Equal(damaged, File.ReadAllBytes(Path.Combine(loss.KeptIn!, _log)));
        }

        // Told until something is written again.
        using (var store = RocksKeyValueStore.Open(path, Options))
        {
            Assert.Equal((ulong)Writes, store.Loss!.WasAt);
            store.Write(Head(7), sync: false);
        }

        using var again = RocksKeyValueStore.Open(path, Options);
        Assert.Null(again.Loss);
        Assert.Equal(7UL, Options.Position!(again));
    }

    [Fact]
    public void A_missing_log_is_found()
    {
        var path = Damaged(_ => { });
        File.Delete(Path.Combine(path, _log));
        Assert.Single(Faults(path));
        using var store = RocksKeyValueStore.Open(path, Options);
        Assert.Equal((0UL, (ulong?)Writes), (store.Loss!.OpenedAt, store.Loss.WasAt));
    }

    [Fact]
    public void A_store_that_is_being_written_has_no_fault()
    {
        var path = Path.Combine(_root, "busy");
        using var store = RocksKeyValueStore.Open(path, Options with { WriteBufferBytes = 1 << 20 });
        var value = new byte[50_000];
        for (ulong i = 1; i <= 60; i++)
        {
            new Random((int)i).NextBytes(value);
            var batch = Head(i);
            batch.Put(BigEndian(i), value);
            store.Write(batch, sync: i % 7 == 0);
            if (i % 15 == 0) Assert.Empty(Faults(path));
        }
    }

    private static IReadOnlyList<string> Faults(string path)
    {
        using var store = RocksKeyValueStore.OpenReadOnly(path);
        return store.FindLogFaults();
    }

    private static KeyValueBatch Head(ulong number)
    {
        var batch = new KeyValueBatch();
        batch.Put("head"u8, BigEndian(number));
        return batch;
    }

    private static byte[] BigEndian(ulong number)
    {
        var bytes = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(bytes, number);
        return bytes;
    }

    private byte[] LogOf(string path) => File.ReadAllBytes(Path.Combine(path, _log));

    private string Damaged(Action<byte[]> damage)
    {
        var path = Path.Combine(_root, $"damaged-{_next++}");
        Copy(_killed, path);
        var log = LogOf(path);
        damage(log);
        File.WriteAllBytes(Path.Combine(path, _log), log);
        return path;
    }

    private string Cut(int bytes)
    {
        var path = Damaged(_ => { });
        File.WriteAllBytes(Path.Combine(path, _log), LogOf(path)[..^bytes]);
        return path;
    }

    private static void AsOfAnotherBoot(string path)
    {
        var file = Path.Combine(path, StoreMark.FileName);
        var bytes = File.ReadAllBytes(file);
        bytes[8] ^= 0xff;
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(56), Crc32C.Update(bytes.AsSpan(0, 56), uint.MaxValue));
        File.WriteAllBytes(file, bytes);
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.GetFiles(from)) File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
    }
}
