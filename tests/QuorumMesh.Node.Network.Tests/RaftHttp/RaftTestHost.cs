using System.Collections.Concurrent;
using System.Net;
using System.Threading.Channels;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Network.RaftHttp;
using QuorumMesh.Node.Storage.RaftLog;
using QuorumMesh.Outbound;

namespace QuorumMesh.Node.Network.Tests.RaftHttp;

/// <summary>
/// The smallest host: one mailbox loop over core, log on disk and transport. The conf change context is the member's port.
/// </summary>
internal sealed class RaftTestHost : IAsyncDisposable
{
    private readonly Channel<Action<RaftCore>> _mailbox = Channel.CreateUnbounded<Action<RaftCore>>();
    private readonly CancellationTokenSource _stop = new();
    private readonly FileRaftDisk _disk;
    private readonly FileRaftLog _log;
    private readonly RaftTransport _transport;
    private readonly Timer _ticks;
    private readonly RaftCore _core;
    private Task _loop = Task.CompletedTask;
    private readonly ConcurrentDictionary<ulong, int> _ports = new();
    private RaftConfState _confState = RaftConfState.Empty;
    private ulong _appliedIndex;

    private RaftTestHost(ulong id, string directory, RaftTransport transport, IReadOnlyList<RaftPeer>? peers)
    {
        (Id, _transport) = (id, transport);
        _disk = new FileRaftDisk(Path.Combine(directory, id.ToString("x")));
        _log = new FileRaftLog(_disk);
        if (_log.Snapshot() is { } snapshot) Restore(snapshot);
        var config = new RaftConfig { Id = id, Applied = _appliedIndex, PreVote = true };
        _core = peers is not null && _log.LastIndex == 0
            ? RaftCore.Bootstrap(config, _log, Random.Shared.Next, peers)
            : new RaftCore(config, _log, Random.Shared.Next);
        transport.MessageReceived += m => Post(c => c.Step(m));
        transport.PeerAnnounced += (peer, preVote) => Post(c => c.Announce(peer, preVote));
        transport.PeerIntroduced += peer => Post(c => c.Introduce(peer));
        transport.Unreachable += peer => Post(c => c.ReportUnreachable(peer));
        transport.SnapshotReported += (peer, ok) => Post(c => c.ReportSnapshot(peer, ok));
        transport.PeerLost += peer => Post(c =>
        {
            if (c.Leader == peer) c.ReportLeaderLost();
        });
        _ticks = new Timer(_ => Post(c => c.Tick()), null, 50, 50);
    }

    public ulong Id { get; }
    public int Port => _transport.Port;
    public bool IsLeader { get; private set; }
    public ConcurrentQueue<byte[]> Applied { get; } = new();
    public ConcurrentQueue<byte[]> Restored { get; } = new();
    public RaftConfState Members => _confState;

    public static async Task<RaftTransport> Listen(ulong id, int port = 0, RaftTransactions? transactions = null)
    {
        var transport = new RaftTransport(
            new RaftTransportOptions { Id = id, Listen = new IPEndPoint(IPAddress.Loopback, port), Transactions = transactions },
            new OutboundHandlers());
        await transport.StartAsync();
        return transport;
    }

    public static RaftTestHost Start(ulong id, string directory, RaftTransport transport, IReadOnlyList<RaftPeer>? peers)
    {
        var host = new RaftTestHost(id, directory, transport, peers);
        host._loop = Task.Run(host.LoopAsync);
        host.Post(_ => { });
        return host;
    }

    public void Propose(byte[] data) => Post(c => c.Propose(data));

    public void TransferTo(ulong id) => Post(c => c.TransferLeadership(id));

    public void Change(RaftConfChange change) => Post(c => c.ProposeConfChange(change));

    public void Compact() => Post(_ =>
    {
        _log.CreateSnapshot(_appliedIndex, _confState, BitConverter.GetBytes(_appliedIndex));
        _log.Compact(_appliedIndex);
    });

    public async ValueTask DisposeAsync()
    {
        await _ticks.DisposeAsync();
        _mailbox.Writer.TryComplete();
        await _stop.CancelAsync();
        await _transport.DisposeAsync();
        await _loop;
        _log.Dispose();
        _disk.Dispose();
    }

    private void Post(Action<RaftCore> action) => _mailbox.Writer.TryWrite(action);

    private async Task LoopAsync()
    {
        while (!_stop.IsCancellationRequested && await _mailbox.Reader.WaitToReadAsync())
        {
            while (!_stop.IsCancellationRequested && _mailbox.Reader.TryRead(out var action)) action(_core);
            while (_core.HasReady) Handle(_core.Ready());
            IsLeader = _core.IsLeader;
        }
    }

    private void Handle(RaftReady ready)
    {
        _log.Append(ready.HardState, ready.Entries, ready.Snapshot);
        _transport.Send(ready.Messages);
        if (ready.Snapshot is not null) Restore(ready.Snapshot);
        foreach (var entry in ready.CommittedEntries) Apply(entry);
        _core.Advance(ready);
    }

    private void Apply(RaftEntry entry)
    {
        _appliedIndex = entry.Index;
        if (entry.Type == RaftEntryType.Normal)
        {
            if (entry.Data.Length > 0) Applied.Enqueue(entry.Data);
            return;
        }
        var change = RaftWire.DecodeConfChange(entry.Data);
        _confState = _core.ApplyConfChange(change);
        if (change.Type == RaftConfChangeType.RemoveNode) _transport.RemovePeer(change.NodeId);
        else Connect(change.NodeId, change.Context);
    }

    private void Restore(RaftSnapshot snapshot)
    {
        Restored.Enqueue(snapshot.Data);
        (_appliedIndex, _confState) = (snapshot.Index, snapshot.ConfState);
    }

    public void Connect(ulong id, byte[] port)
    {
        if (port.Length != 4) return;
        _ports[id] = BitConverter.ToInt32(port);
        _transport.PublishMembers(new RaftSnapshotData(
            [.. _ports.Select(p => new RaftAddress(p.Key, new byte[RaftAddress.NodeIdSize], "127.0.0.1", 1, p.Value))], [],
            default).Encode());
        _transport.AddPeer(id, new Uri($"http://127.0.0.1:{BitConverter.ToInt32(port)}"));
        Post(c => c.Introduce(id));
    }
}
