using System.Net;
using System.Net.Sockets;
using System.Text;
using QuorumMesh.Tests.Shared.Managers;

namespace QuorumMesh.TxManager.Tests.Peers;

public sealed class FaultTests(TestNetwork network) : IClassFixture<TestNetwork>
{
    [Fact]
    public async Task Recipient_that_is_down_fails_the_send_and_works_again_after_its_return()
    {
        await network.C.StopManagerAsync();
        using var failed = await network.PostRawAsync(network.A, "to a dead peer", network.B, network.C);
        Assert.Equal(HttpStatusCode.Gone, failed.StatusCode);
        Assert.Equal($"Connection error while communicating with {network.C.P2P}push", failed.ReasonPhrase);
        Assert.Equal(0, failed.Content.Headers.ContentLength);
        await network.SendRawAsync(network.A, "to the living", network.B);

        await network.C.StartManagerAsync();
        await network.WaitForMeshAsync();
        var hash = await network.SendRawAsync(network.A, "to all", network.B, network.C);
        using var received = await network.ReceiveRawAsync(network.C, hash);
        Assert.Equal("to all", await received.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task Enclave_that_is_down_is_said_and_used_again_after_its_return()
    {
        var hash = await network.SendRawAsync(network.A, "before", network.B);
        await network.A.StopEnclaveAsync();
        using var send = await network.PostRawAsync(network.A, "while down", network.B);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, send.StatusCode);
        using var receive = await network.ReceiveRawAsync(network.A, hash);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, receive.StatusCode);
        await Wait.UntilAsync(async () => (await network.GetAsync(network.A.Health + "readyz")).Status == 503, "not ready without enclave");
        Assert.Equal(200, (await network.GetAsync(network.A.Health + "livez")).Status);
        Assert.Contains("enclave", (await network.GetAsync(network.A.Health + "readyz?verbose")).Body, StringComparison.Ordinal);
        await Wait.UntilAsync(
            async () =>
                (await network.GetAsync(network.A.Health + "readyz?verbose")).Body.Contains("no connection to unix:"
                    + network.A.EnclaveSocket, StringComparison.Ordinal),
            "the missing socket is named by its path");

        await network.A.StartEnclaveAsync();
        using var again = await network.ReceiveRawAsync(network.A, hash);
        Assert.Equal("before", await again.Content.ReadAsStringAsync());
        await network.SendRawAsync(network.A, "after", network.B);
        await Wait.UntilAsync(async () => (await network.GetAsync(network.A.Health + "readyz")).Status == 200, "ready again");
        Assert.Contains("quorummesh_txmanager_request_seconds", (await network.GetAsync(network.A.Health + "metrics")).Body,
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Restart_keeps_payloads_and_finds_the_peers_again()
    {
        var hash = await network.SendRawAsync(network.A, "kept", network.B);
        await network.B.StopManagerAsync();
        await network.B.StartManagerAsync();
        using var received = await network.ReceiveRawAsync(network.B, hash);
        Assert.Equal("kept", await received.Content.ReadAsStringAsync());
        await network.WaitForMeshAsync();
        await network.SendRawAsync(network.B, "from the restarted", network.A);
    }

    [Fact]
    public async Task Pushes_that_trickle_stay_within_the_budget_and_honest_ones_pass_once_they_are_gone()
    {
        const int length = 900_000;
        byte[] begun = [.. Encoding.ASCII.GetBytes(
            $"POST /push HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nContent-Length: {length}\r\n\r\n"),
                .. new byte[length - 1]];
        var stalled = new List<Socket>();
        try
        {
            for (var i = 0; i < 48; i++)
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
                stalled.Add(socket);
                await socket.ConnectAsync("127.0.0.1", new Uri(network.B.P2P).Port);
                await Record.ExceptionAsync(() => socket.SendAsync(begun).WaitAsync(Wait.Limit));
            }

            await Wait.UntilAsync(async () =>
                (await network.PostBytesAsync(network.B.P2P + "push", new byte[length])).Status == 503, "a long push is refused");
            Assert.NotEqual(503, (await network.PostBytesAsync(network.B.P2P + "push", new byte[100])).Status);
        }
        finally
        {
            stalled.ForEach(s => s.Dispose());
        }

        await Wait.UntilAsync(async () =>
            (await network.PostBytesAsync(network.B.P2P + "push", new byte[length])).Status != 503, "long pushes are taken again");
    }
}
