using System.Net;
using System.Net.Sockets;
using System.Text;

namespace QuorumMesh.Outbound.Tests;

public sealed class OutboundHandlersTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("qmout").FullName;

    private string SocketPath => Path.Combine(_directory, "s.ipc");

    [Fact]
    public async Task A_request_goes_over_a_unix_socket_and_a_redirect_is_not_followed()
    {
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(SocketPath));
        listener.Listen();
        var served = ServeAsync(listener,
            "HTTP/1.1 302 Found\r\nLocation: http://192.0.2.1/\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n");
        using var http = new HttpClient(new OutboundHandlers().Create(OutboundLimits.Manager, SocketPath));
        using var answer = await http.GetAsync("http://c/upcheck");
        Assert.Equal(HttpStatusCode.Found, answer.StatusCode);
        Assert.StartsWith("GET /upcheck HTTP/1.1", await served, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_socket_that_is_absent_or_dead_is_named_with_what_should_listen_there()
    {
        using var http = new HttpClient(new OutboundHandlers().Create(OutboundLimits.Manager, SocketPath, "manager"));
        var absent = await Assert.ThrowsAsync<HttpRequestException>(() => http.GetAsync("http://c/"));
        Assert.Equal($"socket {SocketPath}: no such file; is the manager running, and does it listen there?",
            OutboundHandlers.Reason(absent));

        await File.WriteAllBytesAsync(SocketPath, []);
        var dead = await Assert.ThrowsAsync<HttpRequestException>(() => http.GetAsync("http://c/"));
        Assert.Equal($"socket {SocketPath}: nobody listens there; is the manager running?", OutboundHandlers.Reason(dead));
        Assert.Equal("other", OutboundHandlers.Reason(new IOException("other")));
    }

    public static TheoryData<string> Kinds => ["Enclave", "Manager", "Peers", "Raft", "Callback", "Fetch", "Local"];

    [Theory]
    [MemberData(nameof(Kinds))]
    public void Limits_are_the_handlers(string kind)
    {
        var limits = (OutboundLimits)typeof(OutboundLimits).GetProperty(kind)!.GetValue(null)!;
        using var handler = new OutboundHandlers().Create(limits);
        Assert.Equal(
            (limits.Connect, limits.MaxConnections, limits.Idle, limits.Lifetime, limits.StreamWindow),
            (handler.ConnectTimeout, handler.MaxConnectionsPerServer, handler.PooledConnectionIdleTimeout, handler.PooledConnectionLifetime,
                handler.InitialHttp2StreamWindowSize));
        Assert.Equal((false, false, false), (handler.AllowAutoRedirect, handler.UseProxy, handler.UseCookies));
        Assert.True(limits.Connect > TimeSpan.Zero);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static async Task<string> ServeAsync(Socket listener, string answer)
    {
        using var connection = await listener.AcceptAsync();
        var buffer = new byte[4096];
        var length = await connection.ReceiveAsync(buffer);
        await connection.SendAsync(Encoding.ASCII.GetBytes(answer));
        return Encoding.ASCII.GetString(buffer, 0, length);
    }
}
