using System.Net.Sockets;
using System.Text;
using QuorumMesh.TxManager.Tests.Support;

namespace QuorumMesh.TxManager.Tests.Rest;

/// <summary>The bytes that GoQuorum 2.3 to 2.6 were seen to send over the Unix socket, a new connection for each request.</summary>
public sealed class Q2tSocketTests(TestNetwork network) : IClassFixture<TestNetwork>
{
    [Fact]
    public async Task Upcheck_at_start() =>
        Assert.Equal("I'm up!", (await AskAsync(network.A, "GET /upcheck HTTP/1.1\r\nHost: c\r\nUser-Agent: Go-http-client/1.1\r\n\r\n", [])).Body);

    [Fact]
    public async Task Private_transaction_from_send_to_execution()
    {
        byte[] initCode = [0x60, 0x80, 0x60, 0x40, 0x52, 0xff, 0x00];
        Answer sent = await AskAsync(
            network.A,
            "POST /sendraw HTTP/1.1\r\nHost: c\r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: 7\r\n"
            + $"C11n-To: {network.B.Key.ToBase64()}\r\nContent-Type: application/octet-stream\r\n\r\n",
            initCode);
        Assert.Equal("HTTP/1.1 200 OK", sent.StatusLine);
        Assert.Equal(88, sent.Body.Length);
        Assert.Equal(64, Convert.FromBase64String(sent.Body).Length);

        string ask = $"GET /receiveraw HTTP/1.1\r\nHost: c\r\nUser-Agent: Go-http-client/1.1\r\nC11n-Key: {sent.Body}\r\n\r\n";
        Answer atB = await AskAsync(network.B, ask, []);
        Assert.Equal("HTTP/1.1 200 OK", atB.StatusLine);
        Assert.Equal(initCode, atB.Bytes);
        Assert.StartsWith("HTTP/1.1 404", (await AskAsync(network.C, ask, [])).StatusLine, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Empty_recipients_header_is_a_transaction_for_oneself()
    {
        Answer sent = await AskAsync(
            network.A,
            "POST /sendraw HTTP/1.1\r\nHost: c\r\nUser-Agent: Go-http-client/1.1\r\nContent-Length: 2\r\nC11n-To: \r\nContent-Type: application/octet-stream\r\n\r\n",
            [1, 2]);
        Assert.Equal("HTTP/1.1 200 OK", sent.StatusLine);
    }

    [Fact]
    public async Task Raw_transaction_from_storeraw_to_sendsignedtx()
    {
        string json = $$"""{"payload":"YP5H","from":"{{network.A.Key.ToBase64()}}"}""" + "\n";
        Answer stored = await AskAsync(
            network.A, $"POST /storeraw HTTP/1.1\r\nHost: c\r\nContent-Length: {json.Length}\r\nContent-Type: application/json\r\n\r\n", Encoding.ASCII.GetBytes(json));
        Assert.Equal("HTTP/1.1 200 OK", stored.StatusLine);
        string hash = stored.Body.Split('"')[3];
        Answer signed = await AskAsync(
            network.A,
            $"POST /sendsignedtx HTTP/1.1\r\nHost: c\r\nContent-Length: 64\r\nC11n-To: {network.B.Key.ToBase64()}\r\nContent-Type: application/octet-stream\r\n\r\n",
            Convert.FromBase64String(hash));
        Assert.Equal("HTTP/1.1 200 OK", signed.StatusLine);
        Assert.Equal(hash, signed.Body);
    }

    [Fact]
    public async Task Garbage_is_answered_and_the_socket_lives_on()
    {
        Answer garbage = await AskAsync(network.A, "\0\u0001nonsense\r\n\r\n", []);
        Assert.StartsWith("HTTP/1.1 400", garbage.StatusLine, StringComparison.Ordinal);
        await Upcheck_at_start();
    }

    private static async Task<Answer> AskAsync(Participant at, string head, byte[] body)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(at.Socket));
        await socket.SendAsync((byte[])[.. Encoding.ASCII.GetBytes(head), .. body]);
        using var limit = new CancellationTokenSource(Wait.Limit);
        var received = new List<byte>();
        byte[] buffer = new byte[4096];
        while (Parse(received) is not { } answer || !answer.IsWhole)
        {
            int read = await socket.ReceiveAsync(buffer, limit.Token);
            Assert.True(read > 0, $"the connection ended after {received.Count} bytes");
            received.AddRange(buffer.AsSpan(0, read));
        }

        return Parse(received)!;
    }

    private static Answer? Parse(List<byte> received)
    {
        byte[] bytes = [.. received];
        int end = bytes.AsSpan().IndexOf("\r\n\r\n"u8);
        if (end < 0)
        {
            return null;
        }

        string[] lines = Encoding.ASCII.GetString(bytes, 0, end).Split("\r\n");
        Assert.DoesNotContain(lines, l => l.StartsWith("Transfer-Encoding", StringComparison.OrdinalIgnoreCase));
        string length = Assert.Single(lines, l => l.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase));
        return new Answer(lines[0], bytes[(end + 4)..], int.Parse(length.Split(':')[1]));
    }

    private sealed record Answer(string StatusLine, byte[] Bytes, int Length)
    {
        public bool IsWhole => Bytes.Length == Length;

        public string Body => Encoding.UTF8.GetString(Bytes);
    }
}
