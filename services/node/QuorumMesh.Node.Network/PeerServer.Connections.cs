using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using QuorumMesh.Node.Network.Peers;
using QuorumMesh.Node.Network.Rlpx;
using QuorumMesh.Node.Runtime;

namespace QuorumMesh.Node.Network;

public sealed partial class PeerServer
{
    private static readonly TimeSpan MaintainInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AcceptErrorPause = TimeSpan.FromMilliseconds(100);

    private async Task AcceptLoopAsync(Socket listener)
    {
        // Strangers that connect and say nothing take a place each for the handshake's time: so many, and no more memory than
        // that.
        using var pending = new SemaphoreSlim(_options.MaxPendingHandshakes);
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await pending.WaitAsync(_stop.Token).ConfigureAwait(false);
                Socket socket;
                try
                {
                    socket = await listener.AcceptAsync(_stop.Token).ConfigureAwait(false);
                }
                catch
                {
                    pending.Release();
                    throw;
                }
                if (socket.RemoteEndPoint is not IPEndPoint from || !IsInNetwork(from.Address))
                {
                    socket.Dispose();
                    pending.Release();
                    continue;
                }
                Track(ConnectAsync(socket, null, Once(pending), _stop.Token));
            }
            catch (SocketException e) when (!_stop.IsCancellationRequested)
            {
                // Out of descriptors, or a connection gone before it was accepted: try again shortly.
                _logger.LogWarning("Accepting a peer failed: {Error}", e.Message);
                await Task.Delay(AcceptErrorPause, _stop.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                return;
            }
        }
    }

    private async Task MaintainLoopAsync()
    {
        using var timer = new PeriodicTimer(MaintainInterval, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(_stop.Token).ConfigureAwait(false))
                foreach (var peer in _registry.Active)
                    peer.Maintain();
        }
        catch (OperationCanceledException)
        {
        }
    }

    private void Dial(StaticPeer peer) => Track(Task.Run(() =>
        peer.RunAsync(() => MayDial(peer.Enode.NodeId), DialAsync, _stop.Token)));

    private bool MayDial(string nodeId) => _status is not null && IsAllowed(nodeId) && _bans.Find(nodeId) is null;

    /// <summary>Dials and runs the connection to its end; true when it got past Status.</summary>
    private async Task<bool> DialAsync(Enode target, CancellationToken ct)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
            limit.CancelAfter(_options.DialTimeout);
            await socket.ConnectAsync(target.Host, target.Port, limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException)
        {
            socket.Dispose();
            _logger.LogDebug("Dialling {Enode} failed: {Error}", target, e.Message);
            if (!ct.IsCancellationRequested)
                Note(target.NodeId, e is SocketException ? $"cannot be reached at {target.Host}:{target.Port}: {e.Message}"
                    : $"no answer at {target.Host}:{target.Port} within {_options.DialTimeout.TotalSeconds:0} s");
            return false;
        }
        if (socket.RemoteEndPoint is IPEndPoint at && !IsInNetwork(at.Address))
        {
            socket.Dispose();
            Note(target.NodeId, $"{at.Address} is beyond the networks of --netrestrict");
            return false;
        }
        return await ConnectAsync(socket, target, () => { }, ct).ConfigureAwait(false);
    }

    /// <summary>Sets a connection up and runs it to its end. Never throws for what the peer does.</summary>
    /// <param name="setupDone">Called once, when the handshakes are over either way.</param>
    private async Task<bool> ConnectAsync(Socket socket, Enode? target, Action setupDone, CancellationToken ct)
    {
        using var ownedSocket = socket;
        RlpxConnection? connection = null;
        try
        {
            var stream = ConnectionSetup.StreamOf(socket);
            connection = await _setup.EncryptAsync(stream, target?.PublicKey, ct).ConfigureAwait(false);
            var status = Admit(connection.RemoteNodeId);
            var (hello, protocols) = await _setup.ExchangeHelloAsync(connection, ct).ConfigureAwait(false);
            var peer = new Peer(
                connection, socket, hello, protocols, target is null, GetsIn(connection.RemoteNodeId), _options, _handler!, _istanbul,
                _recent, _copies, _logger, _time);
            return await RunPeerAsync(peer, status, setupDone, ct).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            LogSetupFailure(e, target, connection?.RemoteNodeId, socket);
            if (connection is not null && ReasonFor(e) is { } reason)
                await Peer.GoodbyeAsync(connection, socket, reason).ConfigureAwait(false);
            return false;
        }
        finally
        {
            setupDone();
            if (connection is not null)
                await connection.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>However many peers there are.</summary>
    private bool GetsIn(string nodeId) => IsStatic(nodeId) || IsTrusted(nodeId);

    /// <summary>The checks that need only the proven node id.</summary>
    /// <exception cref="NotAllowedException">To be closed without a word, as GoQuorum does.</exception>
    private Runtime.Ports.PeerStatus Admit(string nodeId)
    {
        if (nodeId == _options.Key.NodeId)
            throw new PeerDisconnectException(DisconnectReason.Self, "Connected to itself.");
        if (!IsAllowed(nodeId))
            throw new NotAllowedException($"Node {nodeId} is not allowed to connect.");
        if (_bans.Find(nodeId) is { } ban)
            throw new NotAllowedException($"Node {nodeId} is not talked to for {ban.Left.TotalSeconds:0} s more: {ban.Reason}");
        if (_registry.IsFull && !IsStatic(nodeId) && !IsTrusted(nodeId) && _registry.Find(nodeId) is null)
            throw new PeerDisconnectException(DisconnectReason.TooManyPeers, $"There are {_options.MaxPeers} peers already.");
        return _status ?? throw new PeerDisconnectException(DisconnectReason.Requested, "This node is not ready yet.");
    }

    private async Task<bool> RunPeerAsync(Peer peer, Runtime.Ports.PeerStatus status, Action setupDone, CancellationToken ct)
    {
        bool active = false;
        if (_registry.TryAdd(peer, out var replaced) is { } refused)
            throw new PeerDisconnectException(refused, $"Refused: {refused}.");
        try
        {
            if (replaced is not null)
            {
                replaced.Disconnect(DisconnectReason.AlreadyConnected, "replaced by a newer connection");
                await replaced.Completed.WaitAsync(_options.HandshakeTimeout, _time, ct).ConfigureAwait(false);
            }
            using (var limit = _setup.Limit(ct))
                await peer.HandshakeAsync(status, limit.Token).ConfigureAwait(false);
            setupDone();
            active = IsAllowed(peer.NodeId) && _registry.Activate(peer);
            if (active)
                await RunActiveAsync(peer).ConfigureAwait(false);
            return active;
        }
        finally
        {
            _registry.Remove(peer);
            if (active)
                Notify(peer, connected: false);
            peer.Finish();
        }
    }

    private async Task RunActiveAsync(Peer peer)
    {
        Notify(peer, connected: true);
        using (_stop.Token.Register(() => peer.Disconnect(DisconnectReason.Quitting, "this node stops")))
            await peer.RunAsync().ConfigureAwait(false);
    }

    private void Notify(Peer peer, bool connected)
    {
        NetworkMetrics.Peers.Add(connected ? 1 : -1);
        if (connected)
            _logger.LogInformation("Peer {NodeId} connected: {Name} at {Address}", peer.NodeId[..16], peer.Info.Name,
                peer.Info.RemoteAddress);
        else
        {
            _logger.LogInformation("Peer {NodeId} at {Address} disconnected: {Reason}", peer.NodeId[..16], peer.Info.RemoteAddress,
                peer.EndReason);
            Note(peer.NodeId, $"the connection ended: {peer.EndReason}");
        }
        try
        {
            if (connected)
                _handler!.OnPeerConnected(peer.Info);
            else
                _handler!.OnPeerDisconnected(peer.NodeId);
            if (peer.Istanbul is not null)
                _istanbul.PeersChanged();
        }
        catch (Exception e)
        {
            _logger.LogError(e, "Telling of peer {NodeId} failed", peer.NodeId);
        }
    }

    private void LogSetupFailure(Exception e, Enode? target, string? nodeId, Socket socket)
    {
        var who = target?.ToString() ?? nodeId ?? Peer.RemoteOf(socket);
        if ((target?.NodeId ?? nodeId) is { } known && e is not PeerDisconnectException { Reason: DisconnectReason.AlreadyConnected })
            Note(known, $"the connection was not set up: {e.Message}");
        if (e is PeerDisconnectException { Reason: DisconnectReason.SubprotocolError, Remote: false })
            _logger.LogWarning("Peer {Peer} refused: {Error}", who, e.Message);
        else if (IsExpected(e))
            _logger.LogDebug("Connection with {Peer} failed: {Error}", who, e.Message);
        else
            _logger.LogError(e, "Connection with {Peer} failed", who);
    }

    private static bool IsExpected(Exception e) =>
        e is PeerDisconnectException or NotAllowedException or RlpxException or FormatException or IOException or SocketException
            or OperationCanceledException or TimeoutException or ObjectDisposedException;

    /// <summary>What to tell the other side; null: nothing.</summary>
    private static DisconnectReason? ReasonFor(Exception e) => e switch
    {
        PeerDisconnectException { Remote: false } known => known.Reason,
        FormatException => DisconnectReason.SubprotocolError,
        OperationCanceledException => DisconnectReason.ReadTimeout,
        _ => null,
    };

    private static Action Once(SemaphoreSlim pending)
    {
        int done = 0;
        return () =>
        {
            if (Interlocked.Exchange(ref done, 1) != 0)
                return;
            try
            {
                pending.Release();
            }
            catch (ObjectDisposedException)
            {
                // The accept loop is over.
            }
        };
    }

    private void Track(Task task)
    {
        lock (_lock)
            _running.Add(task);
        task.ContinueWith(
            done =>
            {
                lock (_lock)
                    _running.Remove(done);
                if (done.Exception is { } e)
                    _logger.LogError(e, "A task of the peer network failed");
            },
            CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private sealed class NotAllowedException(string message) : Exception(message);
}
