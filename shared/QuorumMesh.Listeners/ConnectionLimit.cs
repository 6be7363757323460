using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace QuorumMesh.Listeners;

/// <summary>
/// How many connections one port has at a time. The server's own limit is one number for all its ports. What is above it is
/// closed at once.
/// </summary>
public static class ConnectionLimit
{
    /// <param name="listener">What the metrics call it.</param>
    /// <param name="most">At least 1.</param>
    public static void Use(ListenOptions listen, string listener, int most)
    {
        ArgumentNullException.ThrowIfNull(listen);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(most);
        var open = 0;
        listen.Use(next => async connection =>
        {
            try
            {
                if (Interlocked.Increment(ref open) <= most) await next(connection).ConfigureAwait(false);
                else Refuse(connection, listener);
            }
            finally
            {
                Interlocked.Decrement(ref open);
            }
        });
    }

    private static void Refuse(ConnectionContext connection, string listener)
    {
        ListenerMetrics.ConnectionRefused(listener);
        connection.Abort(new ConnectionAbortedException("this port has as many connections as it may"));
    }
}
