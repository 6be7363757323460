using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Tests;

/// <summary>SIGTERM ends a node in time and in good order, whatever its clients do.</summary>
public sealed class StopTests : IDisposable
{
    private readonly TempDirectory _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public async Task Stopped_it_ends_in_time_whoever_is_connected()
    {
        var ports = Loopback.FreePorts(5);
        var (p2p, raft, http, ws, health) = (ports[0], ports[1], ports[2], ports[3], ports[4]);
        await using var run = new ServiceRun("quorummesh-node",
        [
            "--datadir", Prepared(p2p, raft), "--genesis", _temp.Write("genesis.json", Encoding.UTF8.GetString(TestChain.Genesis)),
            "--listen", "127.0.0.1", "--port", $"{p2p}", "--raftport", $"{raft}",
            "--http", "--http.port", $"{http}", "--ws", "--ws.port", $"{ws}", "--health-url", $"http://127.0.0.1:{health}",
        ]);
        await run.WaitReadyAsync($"http://127.0.0.1:{health}");

        using var subscriber = new ClientWebSocket();
        await subscriber.ConnectAsync(new Uri($"ws://127.0.0.1:{ws}"), CancellationToken.None);
        await subscriber.SendAsync("""{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}"""u8.ToArray(),
            WebSocketMessageType.Text, true, CancellationToken.None);
        await subscriber.ReceiveAsync(new byte[4096], CancellationToken.None);
        const string half = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{";
        foreach (var port in (int[])[http, ws, health]) await run.StallAsync(new IPEndPoint(IPAddress.Loopback, port), half);
        await run.StallAsync(new IPEndPoint(IPAddress.Loopback, raft), half.Replace("POST /", "POST /raft", StringComparison.Ordinal));
        await run.StallAsync(new IPEndPoint(IPAddress.Loopback, p2p), "half a handshake");
        await run.StallAsync(new UnixDomainSocketEndPoint(_temp.File("data/geth.ipc")), "{");

        await run.StopsAsync();
        Assert.False(File.Exists(_temp.File("data/geth.ipc")));
    }

    private string Prepared(int p2p, int raft)
    {
        var key = Keccak.Hash("a node that stops"u8).ToArray();
        _temp.Write("data/nodekey", Hex.ToHex(key, prefix: false));
        _temp.Write($"data/{StaticNodes.FileName}",
            $"""["enode://{Hex.ToHex(Secp256k1.PublicKey(key), prefix: false)}@127.0.0.1:{p2p}?discport=0&raftport={raft}"]""");
        return _temp.File("data");
    }
}
