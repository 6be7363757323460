using System.Net.Sockets;

namespace QuorumMesh.Node.Privacy;

/// <summary>HTTP over a Unix socket or TCP.</summary>
internal static class ManagerHandlers
{
    /// <param name="socketPath">Null: TCP, by the address of each request.</param>
    public static SocketsHttpHandler Create(string? socketPath, ManagerTimeouts timeouts)
    {
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            ConnectTimeout = timeouts.Dial,
            PooledConnectionIdleTimeout = TimeSpan.FromSeconds(30),
            EnableMultipleHttp2Connections = true,
        };
        if (socketPath is not null)
            handler.ConnectCallback = (_, cancellation) => ConnectAsync(socketPath, cancellation);
        return handler;
    }

    private static async ValueTask<Stream> ConnectAsync(string socketPath, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellation).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
