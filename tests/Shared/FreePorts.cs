using System.Net;
using System.Net.Sockets;

namespace QuorumMesh.Tests.Shared;

/// <summary>
/// Ports that a test may listen on a while later. They lie below the range that the kernel gives to outgoing connections (32768
/// and up on Linux), of which one could take the port meanwhile, and none is given twice by a process.
/// </summary>
internal static class FreePorts
{
    private const int First = 10_000;
    private const int Last = 23_999;

    private static int _next = Random.Shared.Next(First, Last);

    public static int One()
    {
        for (var tries = First; tries <= Last; tries++)
        {
            var port = First + ((Interlocked.Increment(ref _next) - First) % (Last - First + 1));
            if (IsFree(port)) return port;
        }
        throw new InvalidOperationException($"no port of {First} to {Last} is free");
    }

    public static int[] Some(int count) => [.. Enumerable.Range(0, count).Select(_ => One())];

    private static bool IsFree(int port)
    {
        try
        {
            using var listener = new TcpListener(IPAddress.Any, port);
            listener.Start();
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
