using System.Net;
using System.Net.Sockets;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Outbound;
using QuorumMesh.Tls;

namespace QuorumMesh.Node.Network.RaftHttp;

/// <summary>
/// Connections to one member: over TLS or in plain text, as the mode has it, whatever the scheme of a request's URL. No other member
/// shares them, so that what is asked of a member is never answered by another.
/// </summary>
internal sealed class RaftConnector : IDisposable
{
    private readonly RaftAddress _member;
    private readonly RaftTransportOptions _options;
    private readonly TlsClient? _tls;
    private volatile bool _hasSpokenTls, _isPlain = true;
    private long _plainUntil = long.MinValue;

    public RaftConnector(RaftAddress member, RaftTransportOptions options, OutboundHandlers handlers)
    {
        (_member, _options) = (member, options);
        if (options.Tls is { } tls && Wants(tls, member))
        {
            _tls = new TlsClient("raft", tls.Certificate, tls.Members.Of(member), namesCount: false, TlsServer.Strict);
            _tls.Told += tls.Tell;
        }
        var handshake = _tls is null ? TimeSpan.Zero : options.Tls!.HandshakeTime;
        var handler = handlers.Create(OutboundLimits.Raft with { Connect = (2 * options.ConnectTimeout) + handshake });
        // etcd knows no trace headers, and a stream has no trace.
        handler.ActivityHeadersPropagator = null;
        handler.ConnectCallback = (context, cancel) => ConnectAsync(context.DnsEndPoint, cancel);
        Http = new HttpClient(handler) { Timeout = Timeout.InfiniteTimeSpan };
    }

    public HttpClient Http { get; }

    /// <summary>Whether the last connection is a plain one.</summary>
    public bool IsPlain => _isPlain;

    public void Dispose() => Http.Dispose();

    private static bool Wants(RaftTlsOptions tls, RaftAddress member) =>
        tls.Mode != RaftTlsMode.Accept && !tls.PlainMembers.Contains(Convert.ToHexStringLower(member.NodeId));

    private async ValueTask<Stream> ConnectAsync(DnsEndPoint address, CancellationToken cancel)
    {
        if (_tls is null || Environment.TickCount64 < Volatile.Read(ref _plainUntil))
            return await DialAsync(address, cancel).ConfigureAwait(false);
        var connection = await DialAsync(address, cancel).ConfigureAwait(false);
        try
        {
            var proven = await ShakeHandsAsync(_tls, connection, cancel).ConfigureAwait(false);
            (_hasSpokenTls, _isPlain) = (true, false);
            return proven;
        }
        catch (TlsRefusedException e) when (MayBePlain(e))
        {
            await connection.DisposeAsync().ConfigureAwait(false);
        }
        catch
        {
            await connection.DisposeAsync().ConfigureAwait(false);
            throw;
        }
        return await FallBackAsync(address, cancel).ConfigureAwait(false);
    }

    /// <summary>A wrong certificate, and a member that has spoken TLS before, are never a reason to speak plain text: that would be
    /// what whoever sits between the two wants.</summary>
    private bool MayBePlain(TlsRefusedException refused) =>
        _options.Tls!.Mode == RaftTlsMode.Prefer && !refused.IsCertificate && !_hasSpokenTls;

    private async ValueTask<Stream> FallBackAsync(DnsEndPoint address, CancellationToken cancel)
    {
        var plain = await DialAsync(address, cancel).ConfigureAwait(false);
        if (Volatile.Read(ref _plainUntil) == long.MinValue)
            _options.Tls!.Tell($"Raft member {_member.RaftId} ({_member.Host}:{_member.RaftPort}) does not speak TLS: it is called in "
                + "plain text; name it in --raft.tls.plain when it is a GoQuorum");
        Volatile.Write(ref _plainUntil, Environment.TickCount64 + (long)_options.Tls!.PlainTime.TotalMilliseconds);
        _isPlain = true;
        return plain;
    }

    private async ValueTask<Stream> ShakeHandsAsync(TlsClient tls, Stream connection, CancellationToken cancel)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        limit.CancelAfter(_options.Tls!.HandshakeTime);
        try
        {
            return await tls.AuthenticateAsync(connection, _member.Host, null, limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancel.IsCancellationRequested)
        {
            // No answer is no refusal: who speaks plain text alone says so at once, and whoever swallows a hello would have it plain.
            throw new IOException($"Raft member {_member.RaftId}: no handshake within {_options.Tls.HandshakeTime.TotalSeconds:0} s", e);
        }
    }

    // A stream may stand still for long: without keep-alive a member whose machine is gone would stay active.
    private async ValueTask<Stream> DialAsync(DnsEndPoint address, CancellationToken cancel)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            limit.CancelAfter(_options.ConnectTimeout);
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
            socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, 30);
            await socket.ConnectAsync(address, limit.Token).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
