using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using QuorumMesh.Tls;

namespace QuorumMesh.Listeners;

/// <summary>TLS on a port of Kestrel's.</summary>
public static class TlsListener
{
    /// <summary>The first byte of a TLS handshake (RFC 8446, section 5.1: ContentType handshake). No request of HTTP begins so.</summary>
    private const byte Handshake = 22;

    /// <summary>
    /// Each connection takes the certificate of its moment, and has <see cref="TlsServer.HandshakeTime"/> for its handshake. What counts
    /// connections goes before it, for those that stand still in theirs are connections too.
    /// </summary>
    public static void Use(ListenOptions listen, TlsServer server)
    {
        ArgumentNullException.ThrowIfNull(server);
        listen.UseHttps(new TlsHandshakeCallbackOptions
        {
            HandshakeTimeout = server.HandshakeTime,
            OnConnection = _ => ValueTask.FromResult(server.Options()),
        });
    }

    /// <summary>
    /// TLS and plain text on one port, told apart by a connection's first byte, which has <see cref="TlsServer.HandshakeTime"/> to come.
    /// Whether a request came by TLS is its scheme.
    /// </summary>
    /// <param name="listen">Of one address.</param>
    /// <param name="takesPlain">False closes connections that begin with anything else; <paramref name="server"/> tells of them.</param>
    public static void UseEither(ListenOptions listen, TlsServer server, bool takesPlain)
    {
        ArgumentNullException.ThrowIfNull(listen);
        ArgumentNullException.ThrowIfNull(server);
        // What comes after TLS is known before the first connection: the chain is built from its end.
        ConnectionDelegate? afterTls = null;
        listen.Use(next => connection => TellApartAsync(connection, server, next, takesPlain ? afterTls : null));
        Use(listen, server);
        listen.Use(next => afterTls = next);
    }

    private static async Task TellApartAsync(
        ConnectionContext connection, TlsServer server, ConnectionDelegate tls, ConnectionDelegate? plain)
    {
        switch (await FirstByteAsync(connection, server.HandshakeTime).ConfigureAwait(false))
        {
            case null:
                connection.Abort(new ConnectionAbortedException("nothing came on the connection"));
                return;
            case Handshake:
                await tls(connection).ConfigureAwait(false);
                return;
            default:
                if (plain is not null)
                {
                    await plain(connection).ConfigureAwait(false);
                    return;
                }
                server.RefusePlainText();
                connection.Abort(new ConnectionAbortedException("this port takes TLS alone"));
                return;
        }
    }

    /// <summary>It stays in the pipe; null when none came in time.</summary>
    private static async Task<byte?> FirstByteAsync(ConnectionContext connection, TimeSpan time)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(connection.ConnectionClosed);
        limit.CancelAfter(time);
        try
        {
            var input = connection.Transport.Input;
            var read = await input.ReadAsync(limit.Token).ConfigureAwait(false);
            byte? first = read.Buffer.IsEmpty ? null : read.Buffer.FirstSpan[0];
            input.AdvanceTo(read.Buffer.Start);
            return first;
        }
        catch (Exception e) when (e is OperationCanceledException or IOException)
        {
            return null;
        }
    }
}
