using System.Net;
using System.Net.Sockets;

namespace QuorumMesh.Node.Tests;

internal static class Loopback
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Ports that nothing listens on now, each another.</summary>
    public static int[] FreePorts(int count)
    {
        var listeners = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToList();
        listeners.ForEach(l => l.Start());
        var ports = listeners.Select(l => ((IPEndPoint)l.LocalEndpoint).Port).ToArray();
        listeners.ForEach(l => l.Dispose());
        return ports;
    }

    public static async Task UntilAsync(Func<bool> condition, string what)
    {
        for (var clock = System.Diagnostics.Stopwatch.StartNew(); !condition(); await Task.Delay(25))
            Assert.True(clock.Elapsed < Patience, $"not in time: {what}");
    }
}
