using System.Net;
using System.Net.Sockets;
using QuorumMesh.TxManager.Tests.Support;

namespace QuorumMesh.TxManager.Tests.Peers;

/// <summary>Managers that push to each other at once, with deadlines so long that one that waits for another is seen.</summary>
public sealed class PatientNetwork() : TestNetwork(false)
{
    private protected override int PeerTimeoutMs => 3_600_000;
}

public sealed class LoadTests(PatientNetwork network) : IClassFixture<PatientNetwork>
{
    private const int Sends = 200;

    [Fact]
    public async Task Managers_that_push_to_each_other_wait_for_nobody_and_a_hung_one_stops_no_other()
    {
        await BothWaysAsync("both ways");

        await network.C.StopManagerAsync();
        using var hung = new TcpListener(IPAddress.Loopback, new Uri(network.C.P2P).Port);
        hung.Start();
        using var client = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        Task<HttpResponseMessage>[] waiting = [.. Enumerable.Range(0, 60).Select(i => TestNetwork.PostRawAsync(client, network.A, $"to the hung one {i}", network.C))];
        using (TcpClient first = await hung.AcceptTcpClientAsync().WaitAsync(Wait.Limit))
        {
            await BothWaysAsync("beside the hung one");
            Assert.All(waiting, t => Assert.False(t.IsCompleted));
        }

        // Those that wait end with their callers.
        client.CancelPendingRequests();
        foreach (Task<HttpResponseMessage> task in waiting)
        {
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => task.WaitAsync(Wait.Limit));
        }
    }

    private async Task BothWaysAsync(string what)
    {
        Task<string>[] all =
        [
            .. Enumerable.Range(0, Sends).Select(i => network.SendRawAsync(network.A, $"{what} A {i}", network.B)),
            .. Enumerable.Range(0, Sends).Select(i => network.SendRawAsync(network.B, $"{what} B {i}", network.A)),
        ];
        string[] hashes = await Task.WhenAll(all).WaitAsync(Wait.Limit);
        using HttpResponseMessage received = await network.ReceiveRawAsync(network.A, hashes[^1]);
        Assert.Equal($"{what} B {Sends - 1}", await received.Content.ReadAsStringAsync());
    }
}
