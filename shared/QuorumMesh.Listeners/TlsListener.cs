using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using QuorumMesh.Tls;

namespace QuorumMesh.Listeners;

/// <summary>TLS on a port of Kestrel's.</summary>
public static class TlsListener
{
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
}
