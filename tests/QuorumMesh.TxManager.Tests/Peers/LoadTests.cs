using System.Net;
using System.Net.Sockets;
using QuorumMesh.Tests.Shared.Managers;

namespace QuorumMesh.TxManager.Tests.Peers;

/// <summary>Managers that push to each other at once, with deadlines so long that one that waits for another is seen.</summary>
public sealed class PatientNetwork() : TestNetwork(false)
{
    private protected override int PeerTimeoutMs => 3_600_000;
}

public sealed class ImpatientNetwork() : TestNetwork(false)
{
    private protected override int PeerTimeoutMs => 8000;
}

public sealed class HungPeerTests(ImpatientNetwork network) : IClassFixture<ImpatientNetwork>
{
    [Fact]
    public async Task Send_to_a_manager_that_never_answers_fails_as_one_to_a_dead_manager_does()
    {
        await network.C.StopManagerAsync();
        using var hung = new TcpListener(IPAddress.Loopback, new Uri(network.C.P2P).Port);
        hung.Start();
        using var failed = await network.PostRawAsync(network.A, "to the hung one", network.C);
        Assert.Equal(HttpStatusCode.Gone, failed.StatusCode);
        var cause = $"Connection error while communicating with {network.C.P2P}";
        Assert.Equal((cause, cause), (failed.ReasonPhrase, await failed.Content.ReadAsStringAsync()));
    }
}

public sealed class LoadTests(PatientNetwork network) : IClassFixture<PatientNetwork>
{
    private const int Sends = 200;

    /// <summary>For all of them together, on a machine that does much else.</summary>
    private static readonly TimeSpan Limit = 5 * Wait.Limit;

    [Fact]
    public async Task Managers_that_push_to_each_other_wait_for_nobody_and_a_hung_one_stops_no_other()
    {
        using var client = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        await BothWaysAsync(client, "both ways");

        await network.C.StopManagerAsync();
        using var hung = new TcpListener(IPAddress.Loopback, new Uri(network.C.P2P).Port);
        hung.Start();
        using var stuck = new HttpClient { Timeout = Timeout.InfiniteTimeSpan };
        Task<HttpResponseMessage>[] waiting = [.. Enumerable.Range(0, 60)
            .Select(i => TestNetwork.PostRawAsync(stuck, network.A, $"to the hung one {i}", network.C))];
        using (var first = await hung.AcceptTcpClientAsync().WaitAsync(Wait.Limit))
        {
            await BothWaysAsync(client, "beside the hung one");
            Assert.All(waiting, t => Assert.False(t.IsCompleted));
        }

        // Those that wait end with their callers.
        stuck.CancelPendingRequests();
        foreach (var task in waiting)
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => task.WaitAsync(Wait.Limit));
    }

    private static async Task<string> SendAsync(HttpClient client, Participant from, string payload, Participant to)
    {
        using var answer = await TestNetwork.PostRawAsync(client, from, payload, to);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.StatusCode == HttpStatusCode.OK, $"{(int)answer.StatusCode} {text}");
        return text;
    }

    private async Task BothWaysAsync(HttpClient client, string what)
    {
        Task<string>[] all =
        [
            .. Enumerable.Range(0, Sends).Select(i => SendAsync(client, network.A, $"{what} A {i}", network.B)),
            .. Enumerable.Range(0, Sends).Select(i => SendAsync(client, network.B, $"{what} B {i}", network.A)),
        ];
        var hashes = await Task.WhenAll(all).WaitAsync(Limit);
        using var received = await network.ReceiveRawAsync(network.A, hashes[^1]);
        Assert.Equal($"{what} B {Sends - 1}", await received.Content.ReadAsStringAsync());
    }
}
