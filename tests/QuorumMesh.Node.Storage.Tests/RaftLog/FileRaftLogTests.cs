using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Storage.RaftLog;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Storage.Tests.RaftLog;

public class FileRaftLogTests
{
    private static RaftEntry Entry(ulong index, ulong term, int size = 20) =>
        new(term, index, RaftEntryType.Normal, [.. Enumerable.Range(0, size).Select(i => (byte)(i + (int)index))]);

    private static List<RaftEntry> Run(ulong first, ulong last, ulong term) =>
        [.. Enumerable.Range((int)first, (int)(last - first + 1)).Select(i => Entry((ulong)i, term))];

    private static void AssertEntries(IRaftStorage log, IEnumerable<RaftEntry> expected)
    {
        var actual = log.Entries(log.FirstIndex, log.LastIndex + 1, ulong.MaxValue);
        Assert.Equal(expected.Select(e => (e.Index, e.Term, Convert.ToHexString(e.Data))),
            actual.Select(e => (e.Index, e.Term, Convert.ToHexString(e.Data))));
    }

    [Fact]
    public void A_fresh_log_is_empty()
    {
        using var log = new FileRaftLog(new SimulatedRaftDisk());
        Assert.Equal((1UL, 0UL), (log.FirstIndex, log.LastIndex));
        Assert.True(log.InitialState().HardState.IsEmpty);
        Assert.Null(log.Snapshot());
        Assert.True(log.TryTerm(0, out var term));
        Assert.Equal(0UL, term);
    }

    [Fact]
    public void What_was_appended_is_there_after_reopening()
    {
        var disk = new SimulatedRaftDisk();
        using (var log = new FileRaftLog(disk))
        {
            log.Append(new RaftHardState(1, 2, 0), Run(1, 3, 1), null);
            log.Append(new RaftHardState(2, 3, 1), [Entry(3, 2), Entry(4, 2)], null); // entry 3 is replaced
            log.Append(new RaftHardState(2, 3, 4), [], null);
        }
        using var again = new FileRaftLog(disk);
        Assert.Equal(new RaftHardState(2, 3, 4), again.HardState);
        AssertEntries(again, [Entry(1, 1), Entry(2, 1), Entry(3, 2), Entry(4, 2)]);
    }

    [Fact]
    public void One_append_is_one_flush_and_a_moved_commit_index_is_none()
    {
        var disk = new SimulatedRaftDisk();
        using var log = new FileRaftLog(disk);
        var before = disk.Syncs;
        log.Append(new RaftHardState(1, 2, 0), Run(1, 100, 1), null);
        Assert.Equal(before + 1, disk.Syncs);
        log.Append(new RaftHardState(1, 2, 50), [], null);
        Assert.Equal(before + 1, disk.Syncs);
    }

    [Fact]
    public void A_write_torn_at_any_byte_of_the_last_record_loses_only_that_record()
    {
        var disk = new SimulatedRaftDisk();
        var killed = new FileRaftLog(disk);
        killed.Append(new RaftHardState(1, 1, 0), Run(1, 3, 1), null);
        var name = disk.List().Single();
        var before = disk.ReadAll(name).Length;
        killed.Append(new RaftHardState(2, 1, 2), Run(4, 5, 2), null);
        var whole = disk.ReadAll(name);
        for (var cut = before; cut < whole.Length; cut++)
        {
            foreach (var fill in new byte[]?[] { null, new byte[whole.Length - cut],
                [.. Enumerable.Repeat((byte)0xa5, whole.Length - cut)] })
            {
                var torn = new SimulatedRaftDisk();
                torn.Overwrite(name, [.. whole[..cut], .. fill ?? []]);
                using var log = new FileRaftLog(torn);
                if (fill is not null && whole.AsSpan(cut).SequenceEqual(fill)) continue;
                AssertEntries(log, Run(1, 3, 1));
                Assert.Equal(1UL, log.HardState.Term);
                log.Append(new RaftHardState(3, 1, 2), [Entry(4, 3)], null);
                using var again = new FileRaftLog(torn);
                AssertEntries(again, [.. Run(1, 3, 1), Entry(4, 3)]);
            }
        }
    }

    [Fact]
    public void A_damaged_record_that_good_ones_follow_is_refused_at_any_byte()
    {
        var disk = new SimulatedRaftDisk();
        using (var log = new FileRaftLog(disk))
            for (ulong i = 1; i <= 4; i++) log.Append(new RaftHardState(1, 1, i - 1), [Entry(i, 1)], null);
        var name = disk.List().Single();
        var whole = disk.ReadAll(name);
        // From behind the first frame to the start of the last: frames are of equal length here.
        var frame = FrameLength(whole, RaftLogStart(whole));
        for (var i = RaftLogStart(whole); i < whole.Length - frame; i++)
        {
            var bad = whole.ToArray();
            bad[i] ^= 0x40;
            var damaged = new SimulatedRaftDisk();
            damaged.Overwrite(name, bad);
            var e = Assert.Throws<RaftLogDamagedException>(() => new FileRaftLog(damaged));
            Assert.Contains(name, e.Message);
            Assert.Contains("docs/operations.md", e.Message);
        }

        static int RaftLogStart(byte[] data) => 20 + FrameLength(data, 20);
    }

    private static int FrameLength(byte[] data, int offset) => 24 + BitConverter.ToInt32(data, offset);

    private static int LastFrame(byte[] data)
    {
        var offset = 20;
        while (offset + FrameLength(data, offset) < data.Length) offset += FrameLength(data, offset);
        return offset;
    }

    [Fact]
    public void A_flipped_bit_anywhere_in_a_closed_log_is_refused_or_costs_no_entry()
    {
        var disk = new SimulatedRaftDisk();
        for (ulong life = 0; life < 3; life++)
            using (var log = new FileRaftLog(disk))
                for (var i = (life * 3) + 1; i <= (life + 1) * 3; i++)
                {
                    log.Append(new RaftHardState(1, 1, i - 1), [Entry(i, 1)], null);
                    log.Append(new RaftHardState(1, 1, i), [], null);
                }
        foreach (var name in disk.List())
            for (var i = 0; i < disk.ReadAll(name).Length; i++)
            {
                var damaged = new SimulatedRaftDisk();
                foreach (var file in disk.List()) damaged.Overwrite(file, disk.ReadAll(file));
                var bytes = disk.ReadAll(name);
                bytes[i] ^= 0x10;
                damaged.Overwrite(name, bytes);
                try
                {
                    using var log = new FileRaftLog(damaged);
                    AssertEntries(log, Run(1, 9, 1));
                }
                catch (RaftLogDamagedException e)
                {
                    Assert.Contains("docs/operations.md", e.Message);
                }
            }
    }

    [Fact]
    public void A_record_without_entries_lost_before_a_new_segment_was_opened_is_no_damage()
    {
        var (disk, name) = KilledAndOpenedAgain(log => log.Append(new RaftHardState(1, 1, 3), [], null));
        var whole = disk.ReadAll(name);
        foreach (var fill in new byte[]?[] { null, new byte[whole.Length - LastFrame(whole)] })
        {
            disk.Overwrite(name, [.. whole[..LastFrame(whole)], .. fill ?? []]);
            using var log = new FileRaftLog(disk);
            AssertEntries(log, Run(1, 3, 1));
            Assert.Equal(new RaftHardState(1, 1, 3), log.HardState); // as the new segment has it
        }
    }

    [Fact]
    public void Entries_lost_before_a_new_segment_was_opened_are_refused_unless_a_snapshot_covers_them()
    {
        var (disk, name) = KilledAndOpenedAgain(log => log.Append(new RaftHardState(1, 1, 3), [Entry(4, 1)], null));
        var whole = disk.ReadAll(name);
        disk.Overwrite(name, whole[..^1]);
        var e = Assert.Throws<RaftLogDamagedException>(() => new FileRaftLog(disk));
        Assert.Contains("may have been acknowledged", e.Message);
        Assert.Contains("docs/operations.md", e.Message);
        disk.Overwrite(name, whole);
        new FileRaftLog(disk).CreateSnapshot(4, new RaftConfState([1], []), [4]);
        disk.Overwrite(name, whole[..^1]);
        using var log = new FileRaftLog(disk);
        Assert.Equal((4UL, 4UL), (log.LastIndex, log.Snapshot()!.Index));
    }

    /// <summary>Three entries and one more append in the first segment, and a second segment.</summary>
    private static (SimulatedRaftDisk Disk, string Name) KilledAndOpenedAgain(Action<FileRaftLog> last)
    {
        var disk = new SimulatedRaftDisk();
        var killed = new FileRaftLog(disk);
        killed.Append(new RaftHardState(1, 1, 0), Run(1, 3, 1), null);
        last(killed);
        var name = disk.List().Single();
        _ = new FileRaftLog(disk);
        return (disk, name);
    }

    [Fact]
    public void A_torn_record_without_entries_does_not_cost_the_one_behind_it()
    {
        var disk = new SimulatedRaftDisk();
        var killed = new FileRaftLog(disk);
        killed.Append(new RaftHardState(1, 1, 0), Run(1, 3, 1), null);
        var name = disk.List().Single();
        var start = disk.ReadAll(name).Length;
        killed.Append(new RaftHardState(1, 1, 3), [], null);
        var end = disk.ReadAll(name).Length;
        killed.Append(null, [Entry(4, 1)], null);
        var bytes = disk.ReadAll(name);
        bytes.AsSpan(start, end - start).Clear();
        disk.Overwrite(name, bytes);
        for (var openings = 0; openings < 3; openings++)
        {
            using var log = new FileRaftLog(disk);
            AssertEntries(log, Run(1, 4, 1));
        }
    }

    [Fact]
    public void A_log_that_ends_before_what_it_says_was_committed_is_refused()
    {
        var disk = new SimulatedRaftDisk();
        var log = new FileRaftLog(disk);
        log.Append(new RaftHardState(1, 1, 7), Run(1, 3, 1), null);
        Assert.Contains("were committed", Assert.Throws<RaftLogDamagedException>(() => new FileRaftLog(disk)).Message);
    }

    [Fact]
    public void A_closed_log_takes_no_more_and_closes_twice()
    {
        var log = new FileRaftLog(new SimulatedRaftDisk());
        log.Append(null, [Entry(1, 1)], null);
        log.Dispose();
        log.Dispose();
        Assert.Throws<ObjectDisposedException>(() => log.Append(null, [Entry(2, 1)], null));
    }

    [Fact]
    public void A_missing_segment_is_refused()
    {
        var disk = new SimulatedRaftDisk();
        using (var log = new FileRaftLog(disk, segmentSize: 1000))
            for (ulong i = 1; i <= 100; i++) log.Append(null, [Entry(i, 1)], null);
        var names = disk.List();
        Assert.True(names.Count > 3);
        disk.Delete(names[1]);
        Assert.Throws<RaftLogDamagedException>(() => new FileRaftLog(disk));
    }

    [Fact]
    public void Compaction_drops_whole_segments_and_keeps_the_rest_readable()
    {
        var disk = new SimulatedRaftDisk();
        using (var log = new FileRaftLog(disk, segmentSize: 1000))
        {
            for (ulong i = 1; i <= 200; i++) log.Append(new RaftHardState(1, 1, i - 1), [Entry(i, 1)], null);
            var before = disk.List().Count;
            log.CreateSnapshot(150, new RaftConfState([1, 2, 3], []), [9, 9]);
            Assert.Throws<ArgumentOutOfRangeException>(() => log.Compact(151));
            log.Compact(140);
            Assert.Equal(141UL, log.FirstIndex);
            Assert.True(disk.List().Count < before / 2);
        }
        using var again = new FileRaftLog(disk, segmentSize: 1000);
        Assert.InRange(again.FirstIndex, 2UL, 141UL);
        Assert.Equal(200UL, again.LastIndex);
        Assert.Equal(150UL, again.Snapshot()!.Index);
        Assert.Equal([1UL, 2, 3], again.InitialState().ConfState.Voters);
        AssertEntries(again, Run(again.FirstIndex, 200, 1));
    }

    [Fact]
    public void A_snapshot_from_the_leader_replaces_a_log_that_does_not_hold_its_entry()
    {
        var disk = new SimulatedRaftDisk();
        var snapshot = new RaftSnapshot([7], new RaftConfState([1, 2], [3]), 50, 4);
        using (var log = new FileRaftLog(disk))
        {
            log.Append(new RaftHardState(1, 1, 5), Run(1, 10, 1), null);
            log.Append(new RaftHardState(4, 0, 50), [Entry(51, 4)], snapshot);
            Assert.Equal((51UL, 51UL), (log.FirstIndex, log.LastIndex));
        }
        using var again = new FileRaftLog(disk);
        Assert.Equal((51UL, 51UL), (again.FirstIndex, again.LastIndex));
        Assert.True(again.TryTerm(50, out var term));
        Assert.Equal(4UL, term);
        Assert.Equal([7], again.Snapshot()!.Data);
        Assert.Equal([3UL], again.InitialState().ConfState.Learners);
    }

    [Fact]
    public void A_damaged_snapshot_is_refused()
    {
        var disk = new SimulatedRaftDisk();
        using (var log = new FileRaftLog(disk))
        {
            log.Append(new RaftHardState(1, 1, 5), Run(1, 10, 1), null);
            log.CreateSnapshot(5, new RaftConfState([1], []), [1]);
        }
        var name = disk.List().Single(n => n.StartsWith("snapshot", StringComparison.Ordinal));
        var bytes = disk.ReadAll(name);
        bytes[^1] ^= 1;
        disk.Overwrite(name, bytes);
        Assert.Throws<RaftLogDamagedException>(() => new FileRaftLog(disk));
    }

    [Fact]
    public void A_log_written_by_GoQuorum_is_refused_with_advice()
    {
        var disk = new SimulatedRaftDisk();
        disk.Overwrite("0000000000000000-0000000000000000.wal", [1, 2, 3]);
        var e = Assert.Throws<RaftLogDamagedException>(() => new FileRaftLog(disk));
        Assert.Contains("raftjoinexisting", e.Message);
    }

    [Fact]
    public void An_entry_that_leaves_a_gap_is_refused_and_the_log_goes_on()
    {
        using var log = new FileRaftLog(new SimulatedRaftDisk());
        log.Append(null, Run(1, 2, 1), null);
        Assert.Throws<ArgumentException>(() => log.Append(null, [Entry(4, 1)], null));
        log.Append(null, [Entry(3, 1)], null);
        Assert.Equal(3UL, log.LastIndex);
    }

    [Fact]
    public void On_a_real_directory_it_survives_reopening_and_is_held_by_one()
    {
        var directory = Directory.CreateTempSubdirectory("raftlog");
        try
        {
            using (var disk = new FileRaftDisk(directory.FullName))
            {
                using var log = new FileRaftLog(disk, segmentSize: 4096);
                for (ulong i = 1; i <= 300; i++) log.Append(new RaftHardState(1, 1, i - 1), [Entry(i, 1)], null);
                log.CreateSnapshot(200, new RaftConfState([1], []), [1]);
                log.Compact(200);
                var e = Assert.Throws<IOException>(() => new FileRaftDisk(directory.FullName));
                Assert.Contains("in use", e.Message);
            }
            using var again = new FileRaftDisk(directory.FullName);
            using var reopened = new FileRaftLog(again, segmentSize: 4096);
            Assert.Equal(300UL, reopened.LastIndex);
            Assert.Equal(299UL, reopened.HardState.Commit);
            AssertEntries(reopened, Run(reopened.FirstIndex, 300, 1));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }
}
