using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using QuorumMesh.Node.Rpc.Engine;

namespace QuorumMesh.Node.Rpc.Tests;

/// <summary>
/// Clients that ask for much and read nothing, or begin what they never end: others are served, and what they held comes back.
/// </summary>
public sealed class StalledClientTests : IAsyncLifetime
{
    private const string Small = """{"jsonrpc":"2.0","id":1,"method":"test_none"}""";
    private const string Megabyte = """{"jsonrpc":"2.0","id":1,"method":"test_megabyte"}""";

    /// <summary>More than the kernel takes for a connection by itself (4 MB on Linux).</summary>
    private const int LongAnswer = 12;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly string Batch = "[" + string.Join(',', Enumerable.Repeat(Megabyte, LongAnswer)) + "]";

    private readonly string _directory = Directory.CreateTempSubdirectory("rpc").FullName;
    private readonly HttpClient _http = new() { Timeout = Patience };
    private readonly CancellationTokenSource _timeout = new(Patience * 3);
    private readonly List<Socket> _stalled = [];
    private RpcTransports? _server;

    private string IpcPath => Path.Combine(_directory, "node.ipc");

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var socket in _stalled) socket.Dispose();
        if (_server is not null) await _server.DisposeAsync();
        _http.Dispose();
        _timeout.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [Fact]
    public async Task Answers_that_nobody_reads_stay_within_the_budget_and_go_with_their_clients()
    {
        await StartAsync(transferTime: TimeSpan.FromMinutes(10), bytes: 64 << 20);
        var budget = _server!.HttpBudget!;
        for (var i = 1; i <= 3; i++)
        {
            await StallAsync(Http(Batch));
            var held = i * ((long)LongAnswer << 20);
            await UntilAsync(() => Task.FromResult(budget.Held >= held), "the whole answer waits for its reader");
        }
        Assert.True(IsRefused(await PostAsync(Batch)));
        Assert.Contains("true", (await PostAsync(Small)).Body);
        Assert.InRange(budget.Held, 1, budget.Limit);
        foreach (var socket in _stalled) socket.Dispose();
        await UntilAsync(() => Task.FromResult(budget.Held == 0), "all is given back");
        Assert.False(IsRefused(await PostAsync(Batch)));
    }

    [Fact]
    public async Task A_client_that_does_not_read_is_disconnected_in_time()
    {
        await StartAsync(transferTime: TimeSpan.FromSeconds(1), bytes: 512 << 20);
        for (var i = 0; i < 6; i++) await StallAsync(Http(Batch));
        await UntilAsync(() => Task.FromResult(_stalled.All(IsClosed)), "every stalled client is disconnected");
        await UntilAsync(IsLongAnswerGivenAsync, "a large answer is given to one that reads");
    }

    [Fact]
    public async Task A_request_that_does_not_end_is_answered_with_408()
    {
        await StartAsync(transferTime: TimeSpan.FromSeconds(1));
        var socket = await StallAsync(
            "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n[");
        var answer = new byte[4096];
        var read = await socket.ReceiveAsync(answer, _timeout.Token);
        Assert.StartsWith("HTTP/1.1 408", Encoding.ASCII.GetString(answer, 0, read));
    }

    [Fact]
    public async Task Requests_that_trickle_stay_within_the_budget()
    {
        await StartAsync(transferTime: TimeSpan.FromMinutes(10));
        const int length = 4 << 20;
        var begun = $"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
            + new string(' ', length - 1);
        for (var i = 0; i < 6; i++) await StallAsync(begun);
        await UntilAsync(() => IsRefusedOrMoreStallAsync(begun), "a large request is refused");
        Assert.Contains("true", (await PostAsync(Small)).Body);
        foreach (var socket in _stalled) socket.Dispose();
        await UntilAsync(async () => (await PostAsync(new string(' ', 3 << 20) + Small)).Status == HttpStatusCode.OK,
            "a large request is taken again");
    }

    [Fact]
    public async Task Ipc_connections_that_do_not_read_end_and_others_are_served()
    {
        await StartAsync(transferTime: TimeSpan.FromSeconds(1), bytes: 512 << 20);
        for (var i = 0; i < 6; i++)
        {
            var stalled = await ConnectIpcAsync();
            await stalled.SendAsync(Encoding.UTF8.GetBytes(Batch), _timeout.Token);
        }
        using var other = await ConnectIpcAsync();
        await other.SendAsync(Encoding.UTF8.GetBytes(Small), _timeout.Token);
        var answer = new byte[256];
        Assert.Contains("true", Encoding.UTF8.GetString(answer, 0, await other.ReceiveAsync(answer, _timeout.Token)));
        await UntilAsync(() => Task.FromResult(_stalled.Where(s => s != other).All(IsClosed)), "every stalled client is disconnected");
    }

    [Fact]
    public async Task A_message_on_ipc_that_does_not_end_costs_the_connection()
    {
        await StartAsync(transferTime: TimeSpan.FromSeconds(1));
        using var stalled = await ConnectIpcAsync();
        await stalled.SendAsync("[{"u8.ToArray(), _timeout.Token);
        Assert.Equal(0, await stalled.ReceiveAsync(new byte[16], _timeout.Token));
    }

    [Fact]
    public async Task A_long_answer_comes_whole_over_WebSocket()
    {
        await StartAsync(transferTime: TimeSpan.FromMinutes(10));
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new UriBuilder(_server!.WsAddress!) { Scheme = "ws" }.Uri, _timeout.Token);
        await socket.SendAsync(Encoding.UTF8.GetBytes(Megabyte), WebSocketMessageType.Text, true, _timeout.Token);
        var buffer = new byte[1 << 20];
        long length = 0;
        ValueWebSocketReceiveResult part;
        do length += (part = await socket.ReceiveAsync(buffer.AsMemory(), _timeout.Token)).Count;
        while (!part.EndOfMessage);
        Assert.InRange(length, 1 << 20, (1 << 20) + 100);
    }

    /// <summary>By the number of messages, by their bytes, or by what the listener holds for all.</summary>
    [Theory]
    [InlineData(10, int.MaxValue, 512 << 20, "not read fast enough")]
    [InlineData(10_000, 50_000, 512 << 20, "not read fast enough")]
    [InlineData(10_000_000, int.MaxValue, 0, "holds too much")]
    public async Task A_subscriber_that_does_not_keep_up_gets_what_is_queued_and_the_reason(int messages, int bytes, long listener,
        string reason)
    {
        var limits = new RpcLimits
        {
            MaxQueuedMessages = messages,
            MaxQueuedBytes = bytes,
            TransferTime = TimeSpan.FromMinutes(10),
            MaxListenerBytes = listener == 0 ? 1 : listener
        };
        var length = listener == 0 ? 20_000 : 1_000;
        var flooded = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await StartAsync(limits, () => flooded.TrySetResult(), length);
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new UriBuilder(_server!.WsAddress!) { Scheme = "ws" }.Uri, _timeout.Token);
        await socket.SendAsync(Encoding.UTF8.GetBytes("""{"jsonrpc":"2.0","id":1,"method":"test_flood"}"""), WebSocketMessageType.Text,
            true, _timeout.Token);
        await flooded.Task.WaitAsync(Patience);
        var buffer = new byte[4096];
        var heard = 0;
        WebSocketReceiveResult part;
        do heard += (part = await socket.ReceiveAsync(buffer, _timeout.Token)).Count;
        while (part.MessageType != WebSocketMessageType.Close);
        Assert.Equal((1013, true), ((int)part.CloseStatus!, heard > 0));
        Assert.Contains(reason, part.CloseStatusDescription, StringComparison.Ordinal);

        flooded = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var ipc = await ConnectIpcAsync();
        await ipc.SendAsync("""{"jsonrpc":"2.0","id":1,"method":"test_flood"}"""u8.ToArray(), _timeout.Token);
        await flooded.Task.WaitAsync(Patience);
        var text = new StringBuilder();
        for (int read; (read = await ipc.ReceiveAsync(buffer, _timeout.Token)) > 0;) text.Append(Encoding.UTF8.GetString(buffer, 0, read));
        var last = text.ToString().TrimEnd().Split('\n')[^1];
        Assert.Contains("\"id\":null", last, StringComparison.Ordinal);
        Assert.Contains(reason, last, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_call_after_one_that_did_not_fit_is_still_answered_in_its_batch()
    {
        await StartAsync(transferTime: TimeSpan.FromMinutes(10), bytes: 1 << 20);
        var (status, body) = await PostAsync($"[{Small},{Megabyte},{Small}]");
        Assert.Equal(HttpStatusCode.OK, status);
        using var answers = System.Text.Json.JsonDocument.Parse(body);
        Assert.Equal(["True", "-32005", "True"], answers.RootElement.EnumerateArray().Select(a =>
            a.TryGetProperty("result", out var result) ? result.ToString() : a.GetProperty("error").GetProperty("code").ToString()));
    }

    /// <summary>Those that grow together are refused together, and leave room.</summary>
    private async Task<bool> IsRefusedOrMoreStallAsync(string begun)
    {
        if ((await PostAsync(new string(' ', 3 << 20) + Small)).Status == HttpStatusCode.ServiceUnavailable) return true;
        try
        {
            await StallAsync(begun);
        }
        catch (SocketException)
        {
            // This one was refused.
        }
        return false;
    }

    private Task StartAsync(TimeSpan transferTime, long bytes = 16 << 20) =>
        StartAsync(new RpcLimits { MaxListenerBytes = bytes, TransferTime = transferTime });

    private async Task StartAsync(RpcLimits limits, Action? flooded = null, int flood = 0)
    {
        var options = new RpcServerOptions
        {
            Http = new RpcEndpointOptions("127.0.0.1", 0, ["test"]),
            Ws = new RpcEndpointOptions("127.0.0.1", 0, ["test"]),
            IpcPath = IpcPath,
        };
        _server = new RpcTransports(EngineTests.CreateEngine(limits, flooded, flood), options, NullLoggerFactory.Instance);
        await _server.StartAsync(default);
    }

    private static string Http(string body) =>
        $"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {body.Length}\r\n\r\n{body}";

    /// <summary>With a second for each answer a machine that stands still can cut this one off too.</summary>
    private async Task<bool> IsLongAnswerGivenAsync()
    {
        try
        {
            return (await PostAsync(Megabyte)).Body.Length > 1 << 20;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    private static bool IsRefused((HttpStatusCode Status, string Body) answer) =>
        answer.Body.Contains("-32005") || answer.Status == HttpStatusCode.ServiceUnavailable;

    /// <summary>Sends, and never reads.</summary>
    private async Task<Socket> StallAsync(string request)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        _stalled.Add(socket);
        await socket.ConnectAsync("127.0.0.1", _server!.HttpAddress!.Port, _timeout.Token);
        await socket.SendAsync(Encoding.ASCII.GetBytes(request), _timeout.Token);
        return socket;
    }

    /// <summary>A send to a connection that the other side has dropped fails; reading would let the server go on.</summary>
    private static bool IsClosed(Socket socket)
    {
        try
        {
            socket.Send("\n"u8);
            return false;
        }
        catch (SocketException)
        {
            return true;
        }
    }

    private async Task<Socket> ConnectIpcAsync()
    {
        var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        _stalled.Add(client);
        await client.ConnectAsync(new UnixDomainSocketEndPoint(IpcPath), _timeout.Token);
        return client;
    }

    private async Task<(HttpStatusCode Status, string Body)> PostAsync(string body)
    {
        using var content = new StringContent(body, new System.Net.Http.Headers.MediaTypeHeaderValue("application/json"));
        using var answer = await _http.PostAsync(_server!.HttpAddress, content, _timeout.Token);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(_timeout.Token));
    }

    private static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        for (var end = DateTime.UtcNow + Patience; !await condition();)
        {
            Assert.True(DateTime.UtcNow < end, $"not within {Patience.TotalSeconds} s: {what}");
            await Task.Delay(20);
        }
    }
}
