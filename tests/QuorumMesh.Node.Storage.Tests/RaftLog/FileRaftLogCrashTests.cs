using System.Globalization;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Storage.RaftLog;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Storage.Tests.RaftLog;

/// <summary>Random operations, a power loss at a random disk operation, recovery: what an operation reported done is there, and
/// what it did not
/// report is there whole or not at all.</summary>
public class FileRaftLogCrashTests
{
    /// <summary>How a life of the log ends.</summary>
    public enum Ending
    {
        /// <summary>What was not flushed is lost, in part or as a whole.</summary>
        PowerLoss,

        /// <summary>The process ends within an operation; the machine keeps what was written.</summary>
        Kill,

        /// <summary>The log is closed.</summary>
        Stop,
    }

    [Fact]
    public void Random_crash_points_lose_nothing_that_was_reported_durable() =>
        ForEachSeed(seed => new Scenario(seed).Run(8, [Ending.PowerLoss]));

    [Fact]
    public void Kills_stops_and_power_losses_in_any_order_lose_nothing_that_was_reported_durable() =>
        ForEachSeed(seed => new Scenario(seed).Run(12, [Ending.PowerLoss, Ending.Kill, Ending.Stop]));

    /// <summary>What the log before left unflushed is gone only after the next one was opened over it.</summary>
    [Theory]
    [InlineData(Ending.Kill, 1)]
    [InlineData(Ending.Kill, 3)]
    [InlineData(Ending.Stop, 1)]
    [InlineData(Ending.Stop, 3)]
    public void A_log_opened_again_and_then_hit_by_a_power_loss_starts(Ending first, int restarts) =>
        ForEachSeed(seed => new Scenario(seed).RunRestarts(first, restarts));

    private static void ForEachSeed(Action<int> run)
    {
        var count = int.Parse(Environment.GetEnvironmentVariable("QUORUMMESH_SEEDS") ?? "200", CultureInfo.InvariantCulture);
        var failed = new List<string>();
        for (var seed = 1; seed <= count; seed++)
        {
            try
            {
                run(seed);
            }
            catch (Exception e)
            {
                failed.Add($"seed {seed}: {e}");
            }
        }
        Assert.True(failed.Count == 0, $"{failed.Count} of {count} seeds fail; {failed.FirstOrDefault()}");
    }

    private sealed class Scenario(int seed)
    {
        private readonly Random _random = new(seed);
        private readonly SimulatedRaftDisk _disk = new();
        private MemoryRaftLog _model = new();
        private ulong _committed, _term = 1;

        public void Run(int lives, Ending[] endings)
        {
            for (var life = 0; life < lives; life++)
            {
                if (!TryOpen(out var log)) continue;
                // Short lives too: the power may go before anything is written back.
                _disk.LosePowerAfter(_random.Next(1, _random.Next(2) == 0 ? 120 : 4), _random);
                var ending = endings[_random.Next(endings.Length)];
                for (var steps = ending == Ending.Stop ? _random.Next(30) : int.MaxValue; steps > 0 && Step(log); steps--) { }
                End(log, ending);
            }
            Open();
        }

        public void RunRestarts(Ending first, int restarts)
        {
            var log = Open();
            var steps = _random.Next(5, 60);
            if (first == Ending.Kill) _disk.LosePowerAfter(steps, _random);
            while (Step(log) && (first == Ending.Kill || steps-- > 0)) { }
            // As on a busy node: the last record is that of a moved commit index.
            if (first == Ending.Stop && _random.Next(8) != 0) MoveCommit(log);
            End(log, first);
            for (; restarts > 0; restarts--)
            {
                log = Open();
                End(log, restarts == 1 ? Ending.PowerLoss : Ending.Kill);
            }
            Open();
        }

        private void End(FileRaftLog log, Ending ending)
        {
            if (ending == Ending.Stop) log.Dispose();
            if (ending == Ending.PowerLoss) _disk.Crash(_random);
            else _disk.Kill();
        }

        /// <summary>Now and then the opening itself is cut off.</summary>
        private bool TryOpen(out FileRaftLog log)
        {
            if (_random.Next(4) == 0) _disk.LosePowerAfter(_random.Next(1, 8), _random);
            try
            {
                log = Open();
                _disk.Kill();
                return true;
            }
            catch (SimulatedPowerLossException)
            {
                log = null!;
                if (_random.Next(2) == 0) _disk.Crash(_random);
                else _disk.Kill();
                return false;
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
                        MoveCommit(log);
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
                        Append(log, Entries(index + 1, _random.Next(0, 3)),
                            new RaftSnapshot([5], new RaftConfState([1], []), index, _term), index);
                        _committed = index;
                        break;
                    case 4:
                        _term++;
                        Append(log, Entries((ulong)_random.NextInt64((long)Math.Max(_committed, _model.FirstIndex - 1) + 1,
                            (long)_model.LastIndex + 2), _random.Next(1, 5)), null);
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

        private void MoveCommit(FileRaftLog log)
        {
            _committed = (ulong)_random.NextInt64((long)_committed, (long)_model.LastIndex + 1);
            Append(log, [], null);
        }

        private void Append(FileRaftLog log, List<RaftEntry> entries, RaftSnapshot? snapshot, ulong? commit = null)
        {
            var state = new RaftHardState(_term, 1, commit ?? _committed);
            log.Append(state, entries, snapshot);
            _model.Append(state, entries, snapshot);
        }

        private List<RaftEntry> Entries(ulong first, int count) =>
            [.. Enumerable.Range(0, count)
                .Select(i => new RaftEntry(_term, first + (ulong)i, RaftEntryType.Normal, new byte[_random.Next(0, 60)]))];

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
                Assert.True(i > model.HardState.Commit && log.HardState.Term > model.HardState.Term,
                    $"entry {i} has term {term}, was {Term(model, i)}");
                break;
            }
        }
    }
}
