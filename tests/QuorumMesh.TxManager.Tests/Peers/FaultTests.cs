using System.Net;
using System.Net.Sockets;
using System.Text;
using QuorumMesh.Outbound;
using QuorumMesh.Tests.Shared.Managers;
using QuorumMesh.TxManager.Core.EnclaveClient;
using QuorumMesh.TxManager.Tests.Hosting;

namespace QuorumMesh.TxManager.Tests.Peers;

public sealed class FaultTests(TestNetwork network) : IClassFixture<TestNetwork>
{
    [Fact]
    public async Task Recipient_that_is_down_fails_the_send_and_works_again_after_its_return()
    {
        await network.C.StopManagerAsync();
        using var failed = await network.PostRawAsync(network.A, "to a dead peer", network.B, network.C);
        Assert.Equal(HttpStatusCode.Gone, failed.StatusCode);
        var cause = $"Connection error while communicating with {network.C.P2P}";
        Assert.Equal((cause, cause), (failed.ReasonPhrase, await failed.Content.ReadAsStringAsync()));
        await network.SendRawAsync(network.A, "to the living", network.B);

        await network.C.StartManagerAsync();
        await network.WaitForMeshAsync();
        var hash = await network.SendRawAsync(network.A, "to all", network.B, network.C);
        using var received = await network.ReceiveRawAsync(network.C, hash);
        Assert.Equal("to all", await received.Content.ReadAsStringAsync());
    }

    /// <summary>The recipient that stored the first try has no orphan: the second one is the same transaction.</summary>
    [Fact]
    public async Task Send_that_failed_keeps_its_hash_when_it_is_tried_again_once()
    {
        string[] before = [.. StoredAt(network.B)];
        await network.C.StopManagerAsync();
        using (var failed = await network.PostRawAsync(network.A, "once more", network.B, network.C))
            Assert.Equal(HttpStatusCode.Gone, failed.StatusCode);
        var orphan = Assert.Single(StoredAt(network.B).Except(before));
        await network.C.StartManagerAsync();
        await network.WaitForMeshAsync();
        Assert.Equal(orphan, await network.SendRawAsync(network.A, "once more", network.B, network.C));
        Assert.NotEqual(orphan, await network.SendRawAsync(network.A, "once more", network.B, network.C));
    }

    /// <summary>GoQuorum hangs up after 5 seconds: what some recipients have then is not left without a row at its sender.</summary>
    [Fact]
    public async Task Send_whose_caller_hangs_up_is_finished()
    {
        await network.B.StopManagerAsync();
        using var real = new GrpcEnclave("unix:" + network.B.EnclaveSocket, TimeSpan.FromMinutes(2), new OutboundHandlers());
        var enclave = new HeldEnclave(real);
        await network.B.StartManagerAsync(enclave);
        await network.WaitForMeshAsync();
        string[] before = [.. StoredAt(network.A)];
        enclave.Hold();
        using (var caller = new HttpClient())
        {
            var sending = TestNetwork.PostRawAsync(caller, network.A, "and away", network.B);
            await Wait.UntilAsync(() => Task.FromResult(enclave.Waiting > 0), "the push is at B");
            caller.CancelPendingRequests();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
        }

        enclave.Free();
        await Wait.UntilAsync(() => Task.FromResult(StoredAt(network.A).Except(before).Count() == 1), "the sender has its row");
        var hash = StoredAt(network.A).Except(before).Single();
        using var received = await network.ReceiveRawAsync(network.B, hash);
        Assert.Equal("and away", await received.Content.ReadAsStringAsync());
        await network.B.StopManagerAsync();
        await network.B.StartManagerAsync();
        await network.WaitForMeshAsync();
    }

    private static List<string> StoredAt(Participant participant)
    {
        using var connection = new Microsoft.Data.Sqlite.SqliteConnection("Data Source=" + participant.Database);
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = "SELECT HASH FROM ENCRYPTED_TRANSACTION";
        using var reader = command.ExecuteReader();
        var hashes = new List<string>();
        while (reader.Read())
            hashes.Add(Convert.ToBase64String((byte[])reader[0]));
        return hashes;
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
