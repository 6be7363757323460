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

    /// <summary>
    /// What is wrong in a failed exchange: about a Unix socket its path, where the HTTP client would name the host and port that stand for it in the request.
    /// </summary>
    public static string Reason(Exception failure)
    {
        for (Exception? cause = failure; cause is not null; cause = cause.InnerException)
            if (cause is ManagerSocketException) return cause.Message;
        return failure.Message;
    }

    private static async ValueTask<Stream> ConnectAsync(string socketPath, CancellationToken cancellation)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(socketPath), cancellation).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new ManagerSocketException(socketPath, e);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private sealed class ManagerSocketException(string path, SocketException inner) : IOException($"socket {path}: {Explain(path, inner)}", inner)
    {
        private static string Explain(string path, SocketException e) => e.SocketErrorCode switch
        {
            SocketError.ConnectionRefused => "nobody listens there; is the manager running?",
            SocketError.AccessDenied => "permission denied; may this user open it?",
            _ => File.Exists(path) ? e.Message : "no such file; is the manager running, and does it listen there?",
        };
    }
}
