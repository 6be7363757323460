using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using QuorumMesh.Node.Rpc.Engine;

namespace QuorumMesh.Node.Rpc.Tests;

/// <summary>HTTP, WebSocket and IPC with the engine of <see cref="EngineTests"/>.</summary>
public sealed class TransportTests : IAsyncLifetime
{
    private const string Request = """{"jsonrpc":"2.0","id":1,"method":"test_none","params":[]}""";
    private static readonly string Long = $"[{string.Join(",", Enumerable.Repeat(Request, 100))}]";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly string _directory = Directory.CreateTempSubdirectory("rpc").FullName;
    private readonly HttpClient _http = new();
    private readonly CancellationTokenSource _timeout = new(Patience);
    private RpcTransports _server = null!;

    private string IpcPath => Path.Combine(_directory, "node.ipc");

    public async Task InitializeAsync()
    {
        var options = new RpcServerOptions
        {
            Http = new RpcEndpointOptions("127.0.0.1", 0, ["test"]),
            Ws = new RpcEndpointOptions("127.0.0.1", 0, ["test"]),
            IpcPath = IpcPath,
            HttpCorsDomains = ["http://good.example"],
            WsOrigins = ["http://good.example"],
        };
        _server = new RpcTransports(EngineTests.CreateEngine(), options, NullLoggerFactory.Instance);
        await _server.StartAsync(default);
    }

    public async Task DisposeAsync()
    {
        await _server.DisposeAsync();
        _http.Dispose();
        _timeout.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Theory]
    [InlineData("application/json", HttpStatusCode.OK)]
    [InlineData("application/json; charset=utf-8", HttpStatusCode.OK)]
    [InlineData("text/plain", HttpStatusCode.UnsupportedMediaType)]
    [InlineData("application/json-rpc", HttpStatusCode.OK)]
    [InlineData("Application/JsonRequest; charset=utf-8", HttpStatusCode.OK)]
    [InlineData("application/jsonp", HttpStatusCode.UnsupportedMediaType)]
    [InlineData(null, HttpStatusCode.UnsupportedMediaType)]
    public async Task HTTP_takes_JSON_only(string? type, HttpStatusCode expected)
    {
        using var answer = await PostAsync(Request, type);
        Assert.Equal(expected, answer.StatusCode);
    }

    [Theory]
    [InlineData("gzip", true)]
    [InlineData("deflate, gzip;q=0.5", true)]
    [InlineData("*", true)]
    [InlineData("gzip;q=0, *", false)]
    [InlineData("br", false)]
    [InlineData("", false)]
    [InlineData(null, false)]
    public async Task HTTP_answers_in_gzip_where_the_client_asks_for_it(string? accepted, bool isPacked)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, _server.HttpAddress) { Content = Json(Long) };
        if (accepted is not null) request.Headers.TryAddWithoutValidation("Accept-Encoding", accepted);
        using var answer = await _http.SendAsync(request);
        Assert.Equal(isPacked ? ["gzip"] : [], answer.Content.Headers.ContentEncoding);
        Assert.Equal("Accept-Encoding", answer.Headers.Vary.ToString());
        var body = await answer.Content.ReadAsByteArrayAsync();
        Assert.Equal(body.Length, answer.Content.Headers.ContentLength);
        if (isPacked)
        {
            using var plain = new MemoryStream();
            await new System.IO.Compression.GZipStream(new MemoryStream(body), System.IO.Compression.CompressionMode.Decompress)
                .CopyToAsync(plain);
            Assert.True(body.Length < plain.Length);
            body = plain.ToArray();
        }
        Assert.Equal(100, JsonDocument.Parse(body).RootElement.GetArrayLength());
        Assert.Equal(0, _server.HttpBudget!.Held);
    }

    [Fact]
    public async Task A_short_answer_and_one_without_room_for_both_forms_go_as_they_are()
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, _server.HttpAddress) { Content = Json(Request) };
        request.Headers.TryAddWithoutValidation("Accept-Encoding", "gzip");
        using var answer = await _http.SendAsync(request);
        Assert.Empty(answer.Content.Headers.ContentEncoding);
        Assert.Contains("\"id\":1", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        var budget = new QuorumMesh.Listeners.ByteBudget("a_test", 1);
        using var plain = RpcResponse.Rent();
        var noise = new byte[100_000];
        new Random(1).NextBytes(noise);
        plain.Raw(noise);
        Assert.Null(Transports.GzipAnswer.Compress(plain, budget, default));
        Assert.Equal(0, budget.Held);
    }

    [Fact]
    public async Task HTTP_refuses_other_methods()
    {
        foreach (var method in new[] { HttpMethod.Put, HttpMethod.Delete, HttpMethod.Patch })
        {
            using var answer = await _http.SendAsync(new HttpRequestMessage(method, _server.HttpAddress) { Content = Json("{}") });
            Assert.Equal(HttpStatusCode.MethodNotAllowed, answer.StatusCode);
            Assert.Equal("method not allowed\n", await answer.Content.ReadAsStringAsync());
        }
        using var get = await _http.GetAsync(_server.HttpAddress);
        Assert.Equal(HttpStatusCode.OK, get.StatusCode);
        Assert.Equal("", await get.Content.ReadAsStringAsync());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task HTTP_refuses_large_bodies(bool chunked)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, _server.HttpAddress) { Content = Json(new string(' ', (5 << 20) + 1)) };
        request.Headers.TransferEncodingChunked = chunked;
        using var answer = await _http.SendAsync(request);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
        using var next = await PostAsync(Request, "application/json");
        Assert.Equal(HttpStatusCode.OK, next.StatusCode);
    }

    [Theory]
    [InlineData("localhost", HttpStatusCode.OK)]
    [InlineData("127.0.0.1", HttpStatusCode.OK)]
    [InlineData("evil.example", HttpStatusCode.Forbidden)]
    public async Task HTTP_checks_the_host_name(string host, HttpStatusCode expected)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, _server.HttpAddress) { Content = Json(Request) };
        request.Headers.Host = host;
        using var answer = await _http.SendAsync(request);
        Assert.Equal(expected, answer.StatusCode);
    }

    [Theory]
    [InlineData("http://good.example", "http://good.example")]
    [InlineData("http://evil.example", null)]
    public async Task HTTP_answers_CORS(string origin, string? allowed)
    {
        using var request = new HttpRequestMessage(HttpMethod.Options, _server.HttpAddress);
        request.Headers.Add("Origin", origin);
        request.Headers.Add("Access-Control-Request-Method", "POST");
        request.Headers.Add("Access-Control-Request-Headers", "content-type");
        using var answer = await _http.SendAsync(request);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(allowed, answer.Headers.TryGetValues("Access-Control-Allow-Origin", out var values) ? values.Single() : null);
    }

    [Fact]
    public async Task HTTP_survives_garbage()
    {
        using var answer = await PostAsync("{{{{", "application/json");
        Assert.Equal(-32700, await ErrorCodeAsync(answer));
    }

    [Fact]
    public async Task A_port_in_use_is_named()
    {
        var options = new RpcServerOptions { Http = new RpcEndpointOptions("127.0.0.1", _server.HttpAddress!.Port, ["test"]) };
        await using var second = new RpcTransports(EngineTests.CreateEngine(), options, NullLoggerFactory.Instance);
        var error = await Assert.ThrowsAnyAsync<IOException>(() => second.StartAsync(default));
        Assert.Contains($"127.0.0.1:{_server.HttpAddress.Port}", error.Message);
    }

    [Fact]
    public async Task Websocket_answers_many_at_once_and_survives_garbage()
    {
        using var socket = await ConnectAsync(null);
        await SendAsync(socket, "garbage");
        Assert.Contains("-32700", await ReceiveAsync(socket));
        await SendAsync(socket, "[" + string.Join(',', Enumerable.Repeat("1", 1_001)) + "]");
        Assert.Contains("batch too large", await ReceiveAsync(socket));
        for (var i = 0; i < 100; i++) await SendAsync(socket, Request.Replace("\"id\":1", $"\"id\":{i}"));
        var ids = new HashSet<int>();
        for (var i = 0; i < 100; i++)
        {
            using var answer = JsonDocument.Parse(await ReceiveAsync(socket));
            ids.Add(answer.RootElement.GetProperty("id").GetInt32());
        }
        Assert.Equal(100, ids.Count);
    }

    [Fact]
    public async Task Websocket_closes_on_an_oversize_message()
    {
        using var socket = await ConnectAsync(null);
        await SendAsync(socket, new string(' ', (5 << 20) + 1));
        var buffer = new byte[1024];
        var result = await socket.ReceiveAsync(buffer, _timeout.Token);
        Assert.Equal(WebSocketMessageType.Close, result.MessageType);
        Assert.Equal(WebSocketCloseStatus.MessageTooBig, result.CloseStatus);
    }

    [Fact]
    public async Task An_ended_connection_is_told_why_behind_its_last_answer()
    {
        using var socket = await ConnectAsync(null);
        await SendAsync(socket, """{"id":1,"method":"test_end"}""");
        Assert.Contains("\"result\":true", await ReceiveAsync(socket));
        var closed = await socket.ReceiveAsync(new byte[1024], _timeout.Token);
        Assert.Equal((WebSocketMessageType.Close, 1013, "events are lost"),
            (closed.MessageType, (int)closed.CloseStatus!, closed.CloseStatusDescription));

        using var client = await ConnectIpcAsync();
        await client.SendAsync(Encoding.UTF8.GetBytes("""{"id":1,"method":"test_end"}"""), _timeout.Token);
        var lines = await ReadLinesAsync(client, 2);
        Assert.Contains("\"result\":true", lines[0]);
        Assert.Contains("\"id\":null,\"error\":{\"code\":-32000,\"message\":\"events are lost\"}", lines[1]);
        Assert.Equal(0, await client.ReceiveAsync(new byte[16], _timeout.Token));
    }

    [Fact]
    public async Task Websocket_checks_origins()
    {
        using (var good = await ConnectAsync("http://good.example"))
        {
            await SendAsync(good, Request);
            Assert.Contains("true", await ReceiveAsync(good));
        }
        await Assert.ThrowsAsync<WebSocketException>(() => ConnectAsync("http://evil.example"));
    }

    [Fact]
    public async Task IPC_takes_requests_in_a_row_without_delimiters()
    {
        using var client = await ConnectIpcAsync();
        await client.SendAsync(Encoding.UTF8.GetBytes(
            """{"id":1,"method":"test_echo","params":["}{\"]["]}{"id":2,"method":"test_none"} [{"id":3,"method":"test_none"}]"""),
            _timeout.Token);
        var lines = await ReadLinesAsync(client, 3);
        Assert.Contains(lines, l => l.Contains("\"id\":1") && l.Contains("}{"));
        Assert.Contains(lines, l => l.Contains("\"id\":2"));
        Assert.Contains(lines, l => l.StartsWith('[') && l.Contains("\"id\":3"));
    }

    [Fact]
    public async Task IPC_takes_a_request_byte_by_byte()
    {
        using var client = await ConnectIpcAsync();
        foreach (var b in Encoding.UTF8.GetBytes(Request)) await client.SendAsync(new[] { b }, _timeout.Token);
        Assert.Contains("\"result\":true", (await ReadLinesAsync(client, 1))[0]);
    }

    [Theory]
    [InlineData("hello")]
    [InlineData("5")]
    public async Task IPC_closes_on_garbage(string garbage)
    {
        using var client = await ConnectIpcAsync();
        await client.SendAsync(Encoding.UTF8.GetBytes(garbage), _timeout.Token);
        Assert.Contains("-32700", (await ReadLinesAsync(client, 1))[0]);
        Assert.Equal(0, await client.ReceiveAsync(new byte[16], _timeout.Token));
    }

    [Fact]
    public async Task IPC_bounds_a_request()
    {
        using var client = await ConnectIpcAsync();
        var sending = client.SendAsync(Encoding.UTF8.GetBytes("[\"" + new string('x', 6 << 20)), _timeout.Token).AsTask();
        Assert.Contains("request too large", (await ReadLinesAsync(client, 1))[0]);
        await Record.ExceptionAsync(() => sending);
    }

    [Fact]
    public async Task IPC_socket_is_private_and_a_stale_one_is_replaced()
    {
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(IpcPath));
        await using (var second = Ipc(IpcPath))
        {
            var error = await Assert.ThrowsAnyAsync<IOException>(() => second.StartAsync(default));
            Assert.Contains(IpcPath, error.Message);
        }
        var stale = Path.Combine(_directory, "stale.ipc");
        using (var left = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
            left.Bind(new UnixDomainSocketEndPoint(stale));
        await using var third = Ipc(stale);
        await third.StartAsync(default);
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(new UnixDomainSocketEndPoint(stale));
    }

    [Fact]
    public async Task Stopping_ends_open_connections_and_work()
    {
        using var socket = await ConnectAsync(null);
        await SendAsync(socket, """{"id":1,"method":"test_slow"}""");
        using var client = await ConnectIpcAsync();
        await client.SendAsync(Encoding.UTF8.GetBytes("""{"id":1,"method":"test_slow"}"""), _timeout.Token);
        await _server.DisposeAsync().AsTask().WaitAsync(Patience);
    }

    private static RpcTransports Ipc(string path) =>
        new(EngineTests.CreateEngine(), new RpcServerOptions { IpcPath = path }, NullLoggerFactory.Instance);

    private static StringContent Json(string text) => new(text, new MediaTypeHeaderValue("application/json"));

    private async Task<HttpResponseMessage> PostAsync(string body, string? type)
    {
        var content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
        if (type is not null) content.Headers.ContentType = MediaTypeHeaderValue.Parse(type);
        return await _http.PostAsync(_server.HttpAddress, content);
    }

    private static async Task<int> ErrorCodeAsync(HttpResponseMessage answer)
    {
        using var json = JsonDocument.Parse(await answer.Content.ReadAsStringAsync());
        return json.RootElement.GetProperty("error").GetProperty("code").GetInt32();
    }

    private async Task<ClientWebSocket> ConnectAsync(string? origin)
    {
        var socket = new ClientWebSocket();
        if (origin is not null) socket.Options.SetRequestHeader("Origin", origin);
        await socket.ConnectAsync(new UriBuilder(_server.WsAddress!) { Scheme = "ws" }.Uri, _timeout.Token);
        return socket;
    }

    private Task SendAsync(WebSocket socket, string text) =>
        socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, _timeout.Token);

    private async Task<string> ReceiveAsync(WebSocket socket)
    {
        var buffer = new byte[1 << 16];
        var result = await socket.ReceiveAsync(buffer, _timeout.Token);
        return Encoding.UTF8.GetString(buffer, 0, result.Count);
    }

    private async Task<Socket> ConnectIpcAsync()
    {
        var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(new UnixDomainSocketEndPoint(IpcPath), _timeout.Token);
        return client;
    }

    private async Task<string[]> ReadLinesAsync(Socket client, int count)
    {
        var text = new StringBuilder();
        var buffer = new byte[4096];
        while (text.ToString().Count(c => c == '\n') < count)
        {
            var read = await client.ReceiveAsync(buffer, _timeout.Token);
            if (read == 0) break;
            text.Append(Encoding.UTF8.GetString(buffer, 0, read));
        }
        return text.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
