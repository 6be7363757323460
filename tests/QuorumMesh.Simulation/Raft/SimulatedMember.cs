using System.Buffers.Binary;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Storage.RaftLog;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Simulation.Raft;

/// <summary>One member: core, log on a simulated disk, and an application that counts and chains what it applies.</summary>
internal sealed class SimulatedMember(ulong id, RaftCluster cluster, Random random)
{
    private readonly SimulatedRaftDisk _disk = new();
    private FileRaftLog? _log;
    private RaftReady? _pending; // taken, not persisted yet: a slow disk
    private int _pendingFor;
    private ulong _pendingTerm, _ledTerm, _appliedWhenElected;

    public ulong Id { get; } = id;
    public RaftCore? Core { get; private set; }
    public bool IsUp => Core is not null;
    public FileRaftLog Log => _log!;
    public ulong AppliedIndex { get; private set; }
    public ulong AppliedChain { get; private set; }
    public RaftConfState ConfState { get; private set; } = RaftConfState.Empty;

    public void Start(IReadOnlyList<RaftPeer>? bootstrap)
    {
        // Also within the start, and right after it: nothing that the life before left has been written back then.
        if (cluster.IsFaulty && random.Next(4) == 0) LosePowerSoon();
        try
        {
            Open(bootstrap);
        }
        catch (SimulatedPowerLossException)
        {
            cluster.MemberLost(this);
            return;
        }
        Pump();
    }

    private void Open(IReadOnlyList<RaftPeer>? bootstrap)
    {
        _log = new FileRaftLog(_disk, segmentSize: 4000);
        (AppliedIndex, AppliedChain, ConfState) = (0, 0, RaftConfState.Empty);
        if (_log.Snapshot() is { } snapshot) TakeSnapshot(snapshot);
        var config = new RaftConfig
        {
            Id = Id,
            Applied = AppliedIndex,
            ConfState = ConfState.IsEmpty ? null : ConfState,
            PreVote = cluster.KnowsPreVote(Id),
            MaxSizePerMessage = 300,
            MaxInflight = 4,
            MaxUncommittedSize = 20_000,
            MaxCommittedSizePerReady = 500,
        };
        Core = bootstrap is not null && _log.LastIndex == 0 && _log.HardState.IsEmpty
            ? RaftCore.Bootstrap(config, _log, random.Next, bootstrap)
            : new RaftCore(config, _log, random.Next);
        // The first members are configured everywhere.
        foreach (var peer in cluster.Bootstrap) Core.Introduce(peer.Id);
    }

    public void LosePowerSoon() => _disk.LosePowerAfter(random.Next(1, 6), random);

    /// <summary>No more power losses.</summary>
    public void Heal() => _disk.LosePowerAfter(int.MaxValue, random);

    /// <summary>The process ends, sometimes after closing its log, or the machine with it.</summary>
    public void Crash()
    {
        (Core, _pending) = (null, null);
        if (random.Next(4) == 0) _log?.Dispose();
        _log = null;
        if (random.Next(2) == 0) _disk.Kill();
        else _disk.Crash(random);
    }

    public void Do(Action<RaftCore> action)
    {
        if (Core is null) return;
        action(Core);
        if (Core.IsLeader && Core.Term != _ledTerm) (_ledTerm, _appliedWhenElected) = (Core.Term, cluster.Checks.HighestApplied);
        Pump();
    }

    /// <summary>Does what Ready asks for; sometimes the disk takes a few steps to answer.</summary>
    private void Pump()
    {
        try
        {
            while (true)
            {
                if (_pending is null)
                {
                    if (!Core!.HasReady) return;
                    _pending = Core.Ready();
                    _pendingTerm = Core.Term;
                    _pendingFor = cluster.SlowDisks && random.Next(4) == 0 ? random.Next(1, 6) : 0;
                }
                if (_pendingFor-- > 0) return;
                Complete(_pending);
            }
        }
        catch (SimulatedPowerLossException)
        {
            cluster.MemberLost(this);
        }
    }

    private void Complete(RaftReady ready)
    {
        _log!.Append(ready.HardState, ready.Entries, ready.Snapshot);
        cluster.Send(ready.Messages);
        if (ready.SoftState is { Role: RaftRole.Leader }) cluster.Checks.LeaderElected(this, _pendingTerm, _appliedWhenElected);
        if (ready.Snapshot is not null) TakeSnapshot(ready.Snapshot);
        foreach (var entry in ready.CommittedEntries) Apply(entry);
        _pending = null;
        Core!.Advance(ready);
        if (random.Next(15) == 0) SnapshotAndCompact();
    }

    private void Apply(RaftEntry entry)
    {
        cluster.Checks.Applied(this, entry);
        AppliedIndex = entry.Index;
        AppliedChain = Chain(AppliedChain, entry);
        if (entry.Type == RaftEntryType.ConfChange)
            ConfState = Core!.ApplyConfChange(RaftWire.DecodeConfChange(entry.Data));
    }

    private void SnapshotAndCompact()
    {
        if (AppliedIndex < _log!.FirstIndex || ConfState.IsEmpty) return;
        var data = new byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(data, AppliedIndex);
        BinaryPrimitives.WriteUInt64LittleEndian(data.AsSpan(8), AppliedChain);
        _log.CreateSnapshot(AppliedIndex, ConfState, data);
        if (random.Next(2) == 0)
            _log.Compact(Math.Max(_log.FirstIndex - 1, AppliedIndex - (ulong)random.Next((int)Math.Min(20, AppliedIndex))));
    }

    private void TakeSnapshot(RaftSnapshot snapshot)
    {
        var index = BinaryPrimitives.ReadUInt64LittleEndian(snapshot.Data);
        if (index != snapshot.Index) throw new InvalidOperationException($"snapshot of {index} carried at {snapshot.Index}");
        (AppliedIndex, AppliedChain, ConfState) = (index, BinaryPrimitives.ReadUInt64LittleEndian(snapshot.Data.AsSpan(8)),
            snapshot.ConfState);
        cluster.Checks.Restored(this);
    }

    public static ulong Chain(ulong chain, RaftEntry entry)
    {
        var hash = (chain ^ entry.Index ^ (entry.Term << 32)) * 0x9E3779B97F4A7C15;
        foreach (var b in entry.Data) hash = (hash ^ b) * 0x100000001B3;
        return hash;
    }
}
