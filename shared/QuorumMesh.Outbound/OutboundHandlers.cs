using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using QuorumMesh.Tls;

namespace QuorumMesh.Outbound;

/// <summary>
/// Makes the HTTP handlers of every client, gRPC's too: over TCP or a Unix socket, never by a proxy, a redirect or with cookies. A host
/// makes one and hands it to what it calls others with.
/// </summary>
public sealed class OutboundHandlers
{
    /// <param name="socketPath">Null: TCP, by the address of each request.</param>
    /// <param name="server">What listens there, for errors: "manager".</param>
    /// <param name="tls">For https URLs; null goes by the machine's own list of CAs, and shows no certificate.</param>
    public SocketsHttpHandler Create(OutboundLimits limits, string? socketPath = null, string server = "server", TlsClient? tls = null)
    {
        var handler = new SocketsHttpHandler
        {
            // A URL that a stranger named must not lead us elsewhere.
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            ConnectTimeout = limits.Connect,
            MaxConnectionsPerServer = limits.MaxConnections,
            PooledConnectionIdleTimeout = limits.Idle,
            PooledConnectionLifetime = limits.Lifetime,
            EnableMultipleHttp2Connections = true,
            InitialHttp2StreamWindowSize = limits.StreamWindow,
        };
        if (socketPath is not null)
            handler.ConnectCallback = (_, cancel) => ConnectAsync(socketPath, server, cancel);
        else if (tls is not null)
            handler.ConnectCallback = (context, cancel) => ConnectAsync(context, tls, cancel);
        return handler;
    }

    /// <summary>
    /// What is wrong in a failed exchange: about a Unix socket its path, where the HTTP client would name the host and port that stand for
    /// it in the request; of a TLS connection what was refused.
    /// </summary>
    public static string Reason(Exception failure)
    {
        for (Exception? cause = failure; cause is not null; cause = cause.InnerException)
            if (cause is UnixSocketException or TlsRefusedException)
                return cause.Message;
        return failure.Message;
    }

    private static async ValueTask<Stream> ConnectAsync(string path, string server, CancellationToken cancel)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancel).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new UnixSocketException(path, server, e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>
    /// An <see cref="SslStream"/> is used by the HTTP client as it is, so that each connection has the certificate of its moment.
    /// </summary>
    private static async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, TlsClient tls, CancellationToken cancel)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(context.DnsEndPoint, cancel).ConfigureAwait(false);
            var connection = new NetworkStream(socket, ownsSocket: true);
            if (context.InitialRequestMessage.RequestUri?.Scheme != Uri.UriSchemeHttps) return connection;
            var spoken = context.InitialRequestMessage.Version >= HttpVersion.Version20
                ? SslApplicationProtocol.Http2 : SslApplicationProtocol.Http11;
            return await tls.AuthenticateAsync(connection, context.DnsEndPoint.Host, spoken, cancel).ConfigureAwait(false);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private sealed class UnixSocketException(string path, string server, SocketException inner)
        : IOException($"socket {path}: {Explain(path, server, inner)}", inner)
    {
        private static string Explain(string path, string server, SocketException e) => e.SocketErrorCode switch
        {
            SocketError.ConnectionRefused => $"nobody listens there; is the {server} running?",
            SocketError.AccessDenied => "permission denied; may this user open it?",
            _ => File.Exists(path) ? e.Message : $"no such file; is the {server} running, and does it listen there?",
        };
    }
}
