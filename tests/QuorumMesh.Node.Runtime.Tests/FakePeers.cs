using QuorumMesh.Chain;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Node.Runtime.Sync;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>Peers that answer from a node's store, honestly or not.</summary>
internal sealed class FakePeers(NodeStores source) : IPeerNetwork
{
    private readonly PeerRequestHandler _answers = new(source, static _ => true);

    public List<string> Names { get; } = ["only"];

    /// <summary>Requests by peer, in order.</summary>
    public List<string> Asked { get; } = [];

    public Func<string, IReadOnlyList<byte[]>, IReadOnlyList<byte[]>> ChangeHeaders { get; set; } = static (_, headers) => headers;

    public Func<string, IReadOnlyList<byte[]>, IReadOnlyList<byte[]>> ChangeBodies { get; set; } = static (_, bodies) => bodies;

    /// <summary>How long a peer takes for its answers; endless for one that never answers.</summary>
    public Func<string, TimeSpan> Delay { get; set; } = static _ => TimeSpan.Zero;

    /// <summary>The same for bodies alone; null for what all answers take.</summary>
    public Func<string, TimeSpan>? BodyDelay { get; set; }

    /// <summary>Bytes of long messages that have come from a peer.</summary>
    public Func<string, long> Received { get; set; } = static _ => 0;

    /// <summary>By which delays are counted.</summary>
    public TimeProvider Clock { get; set; } = TimeProvider.System;

    /// <summary>Why peers were banned, in order; they are gone then.</summary>
    public List<(string NodeId, string Reason)> Banned { get; } = [];

    /// <summary>New blocks that were told to peers.</summary>
    public List<Hash256> Announced { get; } = [];

    /// <summary>What peers said in their Status.</summary>
    public UInt256 TotalDifficulty { get; set; }

    public IReadOnlyList<PeerInfo> Peers
    {
        get
        {
            lock (Names) return [.. Names.Select(name => new PeerInfo(name, name, [], "", "", false, true, 63, TotalDifficulty, default))];
        }
    }

    public Enode Self => throw new InvalidOperationException("not asked for here");

    public Task<IReadOnlyList<byte[]>> RequestHeadersAsync(string nodeId, ulong from, int count, CancellationToken ct) =>
        Headers(nodeId, new HeaderQuery(null, from, count, 0, false), ct);

    public Task<IReadOnlyList<byte[]>> RequestHeadersAsync(string nodeId, Hash256 from, int count, ulong skip, bool reverse,
        CancellationToken ct) =>
        Headers(nodeId, new HeaderQuery(from, 0, count, skip, reverse), ct);

    public async Task<IReadOnlyList<byte[]>> RequestBodiesAsync(string nodeId, IReadOnlyList<Hash256> hashes, CancellationToken ct)
    {
        lock (Asked) Asked.Add(nodeId);
        await WaitAsync((BodyDelay ?? Delay)(nodeId), ct);
        return await Task.Run(() => ChangeBodies(nodeId, _answers.GetBodies(hashes)), ct);
    }

    public void SetStatus(PeerStatus own)
    {
    }

    public void BroadcastBlock(in Hash256 hash, ulong number, ReadOnlyMemory<byte> rawBlock, in UInt256 totalDifficulty,
        IReadOnlySet<Address>? holders = null)
    {
        lock (Announced) Announced.Add(hash);
    }

    public void BanPeer(string nodeId, string reason, TimeSpan duration)
    {
        lock (Names)
        {
            Names.Remove(nodeId);
            Banned.Add((nodeId, reason));
        }
    }

    public IReadOnlyList<ConfiguredPeer> ConfiguredPeers => [];

    public void AddTrustedPeer(string nodeId)
    {
    }

    public void RemoveTrustedPeer(string nodeId)
    {
    }

    public void AddStaticPeer(Enode e)
    {
    }

    public void RemovePeer(string nodeId)
    {
    }

    public void SetAllowed(Func<string, bool>? nodeIdAllowed)
    {
    }

    public void BroadcastTransactions(IReadOnlyList<ReadOnlyMemory<byte>> rawTransactions, string? exceptNodeId, bool resend = false)
    {
    }

    private async Task<IReadOnlyList<byte[]>> Headers(string nodeId, HeaderQuery query, CancellationToken ct)
    {
        lock (Asked) Asked.Add(nodeId);
        await WaitAsync(Delay(nodeId), ct);
        return ChangeHeaders(nodeId, _answers.GetHeaders(query));
    }

    public long ReceivedFrom(string nodeId) => Received(nodeId);

    private Task WaitAsync(TimeSpan delay, CancellationToken ct) =>
        delay == TimeSpan.Zero ? Task.CompletedTask : Task.Delay(delay, Clock, ct);
}
