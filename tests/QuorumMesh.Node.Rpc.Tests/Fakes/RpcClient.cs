using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using QuorumMesh.Node.Rpc.Engine;

namespace QuorumMesh.Node.Rpc.Tests.Fakes;

/// <summary>Calls a node's methods inside the process, on a connection that hears notifications.</summary>
internal sealed class RpcClient : INotificationSink, IAsyncDisposable
{
    private static readonly JsonSerializerOptions Deep = new() { MaxDepth = 4096 };

    private readonly CancellationTokenSource _closed = new();
    private readonly System.Threading.Channels.Channel<string> _heard = System.Threading.Channels.Channel.CreateUnbounded<string>();
    private readonly TaskCompletionSource<string> _ended = new();
    private readonly RpcServer _server;
    private readonly RpcSession _session;

    public RpcClient(FakeNode node, RpcServerOptions? options = null)
    {
        _server = new RpcServer(node, options ?? new RpcServerOptions(), NullLoggerFactory.Instance);
        _session = new RpcSession(null, this);
    }

    public CancellationToken Closed => _closed.Token;

    public RpcServer Server => _server;

    public bool TrySend(ReadOnlyMemory<byte> message) => _heard.Writer.TryWrite(Encoding.UTF8.GetString(message.Span));

    /// <summary>Why the server ended the connection.</summary>
    public Task<string> Ended => _ended.Task.WaitAsync(TimeSpan.FromSeconds(60));

    public void End(string reason) => _ended.TrySetResult(reason);

    /// <summary>The next notification's result.</summary>
    public async Task<JsonElement> HearAsync()
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        return JsonSerializer.Deserialize<JsonElement>(await _heard.Reader.ReadAsync(timeout.Token)).GetProperty("params");
    }

    /// <param name="parameters">JSON of the parameter list.</param>
    public async Task<JsonElement> CallAsync(string method, string parameters = "[]")
    {
        var answer = await AskAsync(method, parameters);
        return answer.TryGetProperty("result", out var result) ? result : throw new InvalidOperationException(answer.GetRawText());
    }

    public async Task<(int Code, string Message, string? Data)> FailAsync(string method, string parameters = "[]")
    {
        var error = (await AskAsync(method, parameters)).GetProperty("error");
        return (error.GetProperty("code").GetInt32(), error.GetProperty("message").GetString()!,
            error.TryGetProperty("data", out var data) ? data.GetString() : null);
    }

    public void Close() => _closed.Cancel();

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _closed.Dispose();
    }

    private async Task<JsonElement> AskAsync(string method, string parameters)
    {
        using var response = RpcResponse.Rent();
        var request = Encoding.UTF8.GetBytes($$"""{"jsonrpc":"2.0","id":1,"method":"{{method}}","params":{{parameters}}}""");
        var after = await _server.Engine.ProcessAsync(request, response, _session, default);
        foreach (var action in after ?? []) action();
        return JsonSerializer.Deserialize<JsonElement>(response.Written.Span, Deep);
    }
}
