using System.Globalization;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Storage.RaftLog;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Storage.Tests.RaftLog;

/// <summary>Random operations, a power loss at a random disk operation, recovery: what an operation reported done is there, and what it did not
/// report is there whole or not at all.</summary>
public class FileRaftLogCrashTests
{
    [Fact]
    public void Random_crash_points_lose_nothing_that_was_reported_durable()
    {
        var count = int.Parse(Environment.GetEnvironmentVariable("QUORUMMESH_SEEDS") ?? "300", CultureInfo.InvariantCulture);
        for (var seed = 1; seed <= count; seed++)
        {
            try
            {
                new Scenario(seed).Run();
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}: {e}");
            }
        }
    }

    private sealed class Scenario(int seed)
    {
        private readonly Random _random = new(seed);
        private readonly SimulatedRaftDisk _disk = new();
        private MemoryRaftLog _model = new();
        private ulong _committed, _term = 1;

        public void Run()
        {
            for (var life = 0; life < 8; life++)
            {
                using var log = Open();
                _disk.LosePowerAfter(_random.Next(1, 120), _random);
                while (Step(log)) { }
                _disk.Crash(_random);
            }
        }

        private FileRaftLog Open()
        {
            var log = new FileRaftLog(_disk, segmentSize: 1500);
            CheckAgainst(log, _model);
            // What survived beyond the model (an append that was under way) is taken over.
            var taken = new MemoryRaftLog();
            taken.Rebase(log.FirstIndex - 1, Term(log, log.FirstIndex - 1));
            taken.Append(log.HardState, log.Entries(log.FirstIndex, log.LastIndex + 1, ulong.MaxValue), log.Snapshot());
            _model = taken;
            _term = Math.Max(_term, log.HardState.Term);
            _committed = Math.Max(_committed, log.HardState.Commit);
            return log;
        }

        private bool Step(FileRaftLog log)
        {
            try
            {
                switch (_random.Next(12))
                {
                    case 0 when _model.LastIndex > _committed:
                        _committed = (ulong)_random.NextInt64((long)_committed, (long)_model.LastIndex + 1);
                        Append(log, [], null);
                        break;
                    case 1 when _committed >= log.FirstIndex:
                        var at = (ulong)_random.NextInt64((long)log.FirstIndex, (long)_committed + 1);
                        log.CreateSnapshot(at, new RaftConfState([1, 2, 3], []), [(byte)at]);
                        _model.CreateSnapshot(at, new RaftConfState([1, 2, 3], []), [(byte)at]);
                        break;
                    case 2 when log.Snapshot() is { } held && held.Index >= log.FirstIndex:
                        var to = (ulong)_random.NextInt64((long)log.FirstIndex, (long)held.Index + 1);
                        log.Compact(to);
                        _model.Compact(to);
                        break;
                    case 3 when _random.Next(4) == 0:
                        _term++;
                        var index = _model.LastIndex + (ulong)_random.Next(1, 30);
                        Append(log, Entries(index + 1, _random.Next(0, 3)), new RaftSnapshot([5], new RaftConfState([1], []), index, _term), index);
                        _committed = index;
                        break;
                    case 4:
                        _term++;
                        Append(log, Entries((ulong)_random.NextInt64((long)Math.Max(_committed, _model.FirstIndex - 1) + 1, (long)_model.LastIndex + 2), _random.Next(1, 5)), null);
                        break;
                    default:
                        Append(log, Entries(_model.LastIndex + 1, _random.Next(1, 5)), null);
                        break;
                }
                return true;
            }
            catch (SimulatedPowerLossException)
            {
                return false;
            }
        }

        private void Append(FileRaftLog log, List<RaftEntry> entries, RaftSnapshot? snapshot, ulong? commit = null)
        {
            var state = new RaftHardState(_term, 1, commit ?? _committed);
            log.Append(state, entries, snapshot);
            _model.Append(state, entries, snapshot);
        }

        private List<RaftEntry> Entries(ulong first, int count) =>
            [.. Enumerable.Range(0, count).Select(i => new RaftEntry(_term, first + (ulong)i, RaftEntryType.Normal, new byte[_random.Next(0, 60)]))];

        private static ulong Term(IRaftStorage log, ulong index)
        {
            Assert.True(log.TryTerm(index, out var term), $"term of {index}");
            return term;
        }

        private void CheckAgainst(FileRaftLog log, MemoryRaftLog model)
        {
            Assert.True(log.HardState.Term >= model.HardState.Term, $"term {log.HardState.Term} after {model.HardState.Term}");
            Assert.True((log.Snapshot()?.Index ?? 0) >= (model.Snapshot()?.Index ?? 0), "the snapshot went back");
            // An interrupted append may have replaced entries past the committed index.
            for (var i = model.FirstIndex; i <= model.LastIndex; i++)
            {
                if (i < log.FirstIndex)
                {
                    Assert.True(i <= log.Snapshot()!.Index, $"entry {i} is gone and no snapshot covers it");
                    continue;
                }
                if (log.TryTerm(i, out var term) && term == Term(model, i)) continue;
                Assert.True(i > model.HardState.Commit && log.HardState.Term > model.HardState.Term, $"entry {i} has term {term}, was {Term(model, i)}");
                break;
            }
        }
    }
}
