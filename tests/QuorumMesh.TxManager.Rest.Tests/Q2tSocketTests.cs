using System.Net.Sockets;
using System.Text;
using QuorumMesh.Tests.Shared.Managers;

namespace QuorumMesh.TxManager.Rest.Tests;

/// <summary>The bytes that GoQuorum 2.3 to 2.6 were seen to send over the Unix socket, a new connection for each request.</summary>
public sealed class Q2tSocketTests(TestNetwork network) : IClassFixture<TestNetwork>
{
    [Fact]
    public async Task Upcheck_at_start() =>
        Assert.Equal("I'm up!",
            (await AskAsync(network.A, "GET /upcheck HTTP/1.1\r\nHost: c\r\nUser-Agent: Go-http-client/1.1\r\n\r\n", [])).Body);

    [Fact]
    public async Task Private_transaction_from_send_to_execution()
    {
        byte[] initCode = [0x60, 0x80, 0x60, 0x40, 0x52, 0xff, 0x00];
        var sent = await AskAsync(
            network.A,
            "POST /sendraw HTTP/1.1\r\nHost: c\r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: 7\r\n"
            + $"C11n-To: {network.B.Key.ToBase64()}\r\nContent-Type: application/octet-stream\r\n\r\n",
            initCode);
        Assert.Equal("HTTP/1.1 200 OK", sent.StatusLine);
        Assert.Equal(88, sent.Body.Length);
        Assert.Equal(64, Convert.FromBase64String(sent.Body).Length);

        var ask = $"GET /receiveraw HTTP/1.1\r\nHost: c\r\nUser-Agent: Go-http-client/1.1\r\nC11n-Key: {sent.Body}\r\n\r\n";
        var atB = await AskAsync(network.B, ask, []);
        Assert.Equal("HTTP/1.1 200 OK", atB.StatusLine);
        Assert.Equal(initCode, atB.Bytes);
        Assert.StartsWith("HTTP/1.1 404", (await AskAsync(network.C, ask, [])).StatusLine, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Empty_recipients_header_is_a_transaction_for_oneself()
    {
        var sent = await AskAsync(
            network.A,
            "POST /sendraw HTTP/1.1\r\nHost: c\r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: 2\r\nC11n-To: \r\nContent-Type: "
                + "application/octet-stream\r\n\r\n",
            [1, 2]);
        Assert.Equal("HTTP/1.1 200 OK", sent.StatusLine);
    }

    [Fact]
    public async Task Raw_transaction_from_storeraw_to_sendsignedtx()
    {
        var json = $$"""{"payload":"YP5H","from":"{{network.A.Key.ToBase64()}}"}""" + "\n";
        var stored = await AskAsync(
            network.A, $"POST /storeraw HTTP/1.1\r\nHost: c\r\nContent-Length: {json.Length}\r\nContent-Type: application/json\r\n\r\n",
                Encoding.ASCII.GetBytes(json));
        Assert.Equal("HTTP/1.1 200 OK", stored.StatusLine);
        var hash = stored.Body.Split('"')[3];
        var signed = await AskAsync(
            network.A,
            $"POST /sendsignedtx HTTP/1.1\r\nHost: c\r\nContent-Length: 64\r\nC11n-To: {network.B.Key.ToBase64()}\r\nContent-Type: "
                + "application/octet-stream\r\n\r\n",
            Convert.FromBase64String(hash));
        Assert.Equal("HTTP/1.1 200 OK", signed.StatusLine);
        Assert.Equal(hash, signed.Body);
    }

    /// <summary>quorum-js and web3js-quorum send the socket's path; others send nothing, or twice.</summary>
    [Theory]
    [InlineData("Host: /data/my dir/tm.ipc\r\n")]
    [InlineData("Host: unix:/tmp/tm.ipc:/storeraw\r\n")]
    [InlineData("host:%2Ftmp%2Ftm.ipc\r\n")]
    [InlineData("Host: \r\n")]
    [InlineData("")]
    [InlineData("Host: a\r\nHost: b\r\n")]
    [InlineData("Host: localhost:80\r\n")]
    [InlineData("Host: [::1]:9\r\n")]
    [InlineData("Host: \u00e9t\u00e9\r\n")]
    public async Task Any_host_is_taken_on_the_local_socket(string host)
    {
        Assert.Equal("I'm up!", (await AskAsync(network.A, $"GET /upcheck HTTP/1.1\r\n{host}\r\n", [])).Body);
        var json = """{"payload":"YP5H"}""";
        var stored = await AskAsync(
            network.A,
                $"POST /storeraw HTTP/1.1\r\nConnection: keep-alive\r\n{host}Content-Length: {json.Length}\r\nContent-Type: "
                    + "application/json\r\n\r\n", Encoding.ASCII.GetBytes(json));
        Assert.Equal("HTTP/1.1 200 OK", stored.StatusLine);
    }

    [Fact]
    public async Task Head_that_comes_in_pieces_and_large_bodies_pass_beside_an_odd_host()
    {
        var payload = new byte[600_000];
        Random.Shared.NextBytes(payload);
        var sent = await AskAsync(
            network.A,
                $"POST /sendraw HTTP/1.1\r\nHost: /tmp/tm.ipc\r\nContent-Length: {payload.Length}\r\nContent-Type: "
                    + "application/octet-stream\r\n\r\n", payload, pieces: 7);
        Assert.Equal("HTTP/1.1 200 OK", sent.StatusLine);
        var read = await AskAsync(network.A, $"GET /receiveraw HTTP/1.1\r\nHost: c\r\nC11n-Key: {sent.Body}\r\n\r\n", [], pieces: 5);
        Assert.Equal(payload, read.Bytes);
    }

    /// <summary>A TCP port is for everyone: there Kestrel's rules stay.</summary>
    [Fact]
    public async Task Odd_host_is_refused_on_a_port()
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", new Uri(network.A.Q2T).Port);
        await client.GetStream().WriteAsync("GET /upcheck HTTP/1.1\r\nHost: /tmp/tm.ipc\r\n\r\n"u8.ToArray());
        using var reader = new StreamReader(client.GetStream());
        Assert.StartsWith("HTTP/1.1 400", await reader.ReadLineAsync(), StringComparison.Ordinal);
    }

    /// <summary>Most clients write the whole body before they read: a connection that ends meanwhile is all that they would see.</summary>
    [Fact]
    public async Task Refusal_of_a_long_body_is_not_overtaken_by_a_reset()
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", new Uri(network.A.Q2T).Port);
        var stream = client.GetStream();
        var piece = new byte[64 * 1024];
        const int pieces = 48;
        await stream.WriteAsync(
            Encoding.ASCII.GetBytes($"POST /sendraw HTTP/1.1\r\nHost: c\r\nContent-Length: {piece.Length * pieces}\r\n\r\n"));
        for (var i = 0; i < pieces; i++)
            await stream.WriteAsync(piece);

        using var reader = new StreamReader(stream);
        Assert.StartsWith("HTTP/1.1 413", await reader.ReadLineAsync(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Receive_of_the_first_Tesseras_is_a_get_with_a_json_body()
    {
        var hash = await network.SendRawAsync(network.A, "old form", network.B);
        foreach (var json in new[] { $$"""{"key":"{{hash}}"}""", $$"""{"key":"{{hash}}","to":"{{network.B.Key.ToBase64()}}"}""" })
        {
            var received = await AskAsync(
                network.B, $"GET /receive HTTP/1.1\r\nHost: c\r\nContent-Type: application/json\r\nContent-Length: {json.Length}\r\n\r\n",
                    Encoding.ASCII.GetBytes(json));
            Assert.Equal("HTTP/1.1 200 OK", received.StatusLine);
            Assert.Equal("old form",
                Encoding.UTF8.GetString(System.Text.Json.JsonDocument.Parse(received.Bytes)
                    .RootElement.GetProperty("payload").GetBytesFromBase64()));
        }

        var unknown = $$"""{"key":"{{Convert.ToBase64String(new byte[64])}}"}""";
        Assert.StartsWith("HTTP/1.1 404",
            (await AskAsync(network.B, $"GET /receive HTTP/1.1\r\nHost: c\r\nContent-Length: {unknown.Length}\r\n\r\n",
                Encoding.ASCII.GetBytes(unknown))).StatusLine, StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 400", (await AskAsync(network.B, "GET /receive HTTP/1.1\r\nHost: c\r\n\r\n", [])).StatusLine,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("image/png", 406)]
    [InlineData("image/*, video/mp4;q=0.5", 406)]
    [InlineData("application/json;q=0", 406)]
    [InlineData("text/html, image/gif, image/jpeg, */*; q=0.2", 200)]
    [InlineData("application/vnd.tessera-4.0+json", 200)]
    [InlineData("APPLICATION/JSON", 200)]
    [InlineData("text/*", 200)]
    [InlineData("image/png, */*", 200)]
    public async Task Accept_that_nothing_fits_is_refused(string accept, int status)
    {
        var answer = await AskAsync(network.A, $"GET /upcheck HTTP/1.1\r\nHost: c\r\nAccept: {accept}\r\n\r\n", []);
        Assert.StartsWith($"HTTP/1.1 {status} ", answer.StatusLine, StringComparison.Ordinal);
        Assert.Equal(status == 406 ? "HTTP 406 Not Acceptable" : "I'm up!", answer.Body);
    }

    [Fact]
    public async Task Garbage_is_answered_and_the_socket_lives_on()
    {
        var garbage = await AskAsync(network.A, "\0\u0001nonsense\r\n\r\n", []);
        Assert.StartsWith("HTTP/1.1 400", garbage.StatusLine, StringComparison.Ordinal);
        await Upcheck_at_start();
    }

    private static async Task<Answer> AskAsync(Participant at, string head, byte[] body, int pieces = 1)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(at.Socket));
        var bytes = Encoding.Latin1.GetBytes(head);
        // Without a body the answer may be there, and the connection ended, before anything more could be sent.
        foreach (var piece in bytes.Chunk((bytes.Length / pieces) + 1).Append(body).Where(p => p.Length > 0))
            await socket.SendAsync(piece);

        using var limit = new CancellationTokenSource(Wait.Limit);
        var received = new List<byte>();
        var buffer = new byte[4096];
        while (Parse(received) is not { } answer || !answer.IsWhole)
        {
            var read = await socket.ReceiveAsync(buffer, limit.Token);
            Assert.True(read > 0, $"the connection ended after {received.Count} bytes");
            received.AddRange(buffer.AsSpan(0, read));
        }

        return Parse(received)!;
    }

    private static Answer? Parse(List<byte> received)
    {
        byte[] bytes = [.. received];
        var end = bytes.AsSpan().IndexOf("\r\n\r\n"u8);
        if (end < 0)
            return null;
        var lines = Encoding.ASCII.GetString(bytes, 0, end).Split("\r\n");
        Assert.DoesNotContain(lines, l => l.StartsWith("Transfer-Encoding", StringComparison.OrdinalIgnoreCase));
        var length = Assert.Single(lines, l => l.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase));
        return new Answer(lines[0], bytes[(end + 4)..], int.Parse(length.Split(':')[1]));
    }

    private sealed record Answer(string StatusLine, byte[] Bytes, int Length)
    {
        public bool IsWhole => Bytes.Length == Length;

        public string Body => Encoding.UTF8.GetString(Bytes);
    }
}
