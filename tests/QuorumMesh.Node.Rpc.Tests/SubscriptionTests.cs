using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Tests.Fakes;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Tests;

namespace QuorumMesh.Node.Rpc.Tests;

public sealed class SubscriptionTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [VectorFact]
    public async Task Syncing_is_told_at_its_beginning_and_its_end()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        var id = (await client.CallAsync("eth_subscribe", """["syncing"]""")).GetString();
        node.Sync = new SyncProgress(3, 4, 9);
        var begun = await client.HearAsync();
        Assert.Equal(id, begun.GetProperty("subscription").GetString());
        Assert.Equal("""{"syncing":true,"status":{"StartingBlock":3,"CurrentBlock":4,"HighestBlock":9,"PulledStates":0,"KnownStates":0}}""",
            begun.GetProperty("result").GetRawText());
        node.Sync = null;
        Assert.Equal("false", (await client.HearAsync()).GetProperty("result").GetRawText());
    }

    [VectorFact]
    public async Task Pending_transactions_come_whole_when_asked_for()
    {
        using var node = RecordedNetwork.Node(1);
        await using var client = new RpcClient(node);
        var full = (await client.CallAsync("eth_subscribe", """["newPendingTransactions",true]""")).GetString();
        var hashes = (await client.CallAsync("eth_subscribe", """["newPendingTransactions",false]""")).GetString();
        var from = node.Accounts.Accounts[0];
        var hash = (await client.CallAsync("eth_sendTransaction", $$"""[{"from":"{{from}}","to":"{{from}}"}]""")).GetString();
        var heard = new[] { await client.HearAsync(),
            await client.HearAsync() }.ToDictionary(h => h.GetProperty("subscription").GetString()!, h => h.GetProperty("result"));
        Assert.Equal(hash, heard[hashes!].GetString());
        Assert.Equal((await client.CallAsync("eth_getTransactionByHash", $"[\"{hash}\"]")).GetRawText(), heard[full!].GetRawText());
        Assert.Equal(-32602, (await client.FailAsync("eth_subscribe", """["newPendingTransactions","yes"]""")).Code);
        Assert.Equal("no \"nothing\" subscription in eth namespace", (await client.FailAsync("eth_subscribe", """["nothing"]""")).Message);
    }

    /// <summary>More events than the queue holds come while a subscriber is being served.</summary>
    [VectorFact]
    public async Task A_loss_is_told_to_every_subscriber()
    {
        using var node = RecordedNetwork.Node(1, upTo: 1);
        await using var server = new RpcServer(node, new RpcServerOptions(), NullLoggerFactory.Instance);
        using var sink = new SlowSink();
        using var response = RpcResponse.Rent();
        var request = Encoding.UTF8.GetBytes("""{"id":1,"method":"eth_subscribe","params":["newHeads"]}""");
        foreach (var start in await server.Engine.ProcessAsync(request, response, new RpcSession(null, sink), default) ?? []) start();
        var block = RecordedNetwork.Blocks()[1];
        node.Events.Raise(new HeadEvent(block));
        await sink.Busy.Task.WaitAsync(Patience);
        for (var i = 0; i < 10_000; i++) node.Events.Raise(new HeadEvent(block));
        sink.Release();
        Assert.Contains("subscribe again", await sink.Ended.Task.WaitAsync(Patience));
        Assert.Equal("subscription not found", JsonError(await AskAsync(server, sink, response.Written)));
    }

    [VectorFact]
    public async Task Only_namespaces_that_exist_are_offered()
    {
        foreach (var (folder, consensus, absent) in new[] { (RecordedNetwork.Folder, "raft", "istanbul"),
            (RecordedNetwork.IbftFolder, "istanbul", "raft") })
        {
            using var node = RecordedNetwork.Node(1, upTo: 0, folder: folder);
            await using var client = new RpcClient(node);
            var modules = (await client.CallAsync("rpc_modules")).EnumerateObject().Select(m => m.Name).ToList();
            Assert.Contains(consensus, modules);
            Assert.DoesNotContain(absent, modules);
            var methods = client.Server.Engine.Table.Methods.Select(m => m.Namespace).ToHashSet();
            Assert.Equal(methods.Order(), modules.Order());
        }
    }

    [VectorFact]
    public async Task Namespaces_that_do_not_exist_are_told()
    {
        using var node = RecordedNetwork.Node(1, upTo: 0);
        using var log = new RecordingLog();
        await using var server = new RpcServer(node,
            new RpcServerOptions
            {
                Http = new RpcEndpointOptions("127.0.0.1", 0, ["eth", "db", "quorum"]),
                Ws = new RpcEndpointOptions("127.0.0.1", 0, ["shh", "net"])
            }, log);
        Assert.Equal(["db", "quorum", "shh"], log.Warnings.Select(w => w.Split(' ').SkipWhile(word => word != "namespace").ElementAt(1)));
    }

    private static async Task<string> AskAsync(RpcServer server, SlowSink sink, ReadOnlyMemory<byte> subscribed)
    {
        using var answer = JsonDocument.Parse(subscribed);
        using var response = RpcResponse.Rent();
        var request = Encoding.UTF8.GetBytes(
            $$"""{"id":2,"method":"eth_unsubscribe","params":[{{answer.RootElement.GetProperty("result").GetRawText()}}]}""");
        await server.Engine.ProcessAsync(request, response, new RpcSession(null, sink), default);
        return Encoding.UTF8.GetString(response.Written.Span);
    }

    private static string? JsonError(string answer)
    {
        using var json = JsonDocument.Parse(answer);
        return json.RootElement.GetProperty("error").GetProperty("message").GetString();
    }

    private sealed class RecordingLog : ILoggerFactory, ILogger
    {
        public List<string> Warnings { get; } = [];

        public ILogger CreateLogger(string categoryName) => this;

        public void AddProvider(ILoggerProvider provider)
        {
        }

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel == LogLevel.Warning;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel)) Warnings.Add(formatter(state, exception));
        }

        public void Dispose()
        {
        }
    }

    /// <summary>Holds the first notification until it is released.</summary>
    private sealed class SlowSink : INotificationSink, IDisposable
    {
        private readonly ManualResetEventSlim _released = new();

        public TaskCompletionSource Busy { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource<string> Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public CancellationToken Closed => CancellationToken.None;

        public bool TrySend(ReadOnlyMemory<byte> message)
        {
            Busy.TrySetResult();
            _released.Wait(Patience);
            return true;
        }

        public void End(string reason) => Ended.TrySetResult(reason);

        public void Release() => _released.Set();

        public void Dispose() => _released.Dispose();
    }
}
