using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using QuorumMesh.ServiceDefaults.Logging;

namespace QuorumMesh.ServiceDefaults.Tests;

public sealed class BoundedLogTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly Memory _memory = new();

    /// <summary>16,500 refused connections were 16,500 lines.</summary>
    [Fact]
    public void A_warning_that_comes_again_and_again_is_counted_and_told_once_a_minute()
    {
        using var provider = new BoundedLoggerProvider(_memory, _clock);
        var log = provider.CreateLogger("Microsoft.AspNetCore.Server.Kestrel");
        for (var i = 0; i < 16_500; i++) log.LogWarning("Connection {Id} refused", i);
        Assert.Equal(LogBudget.LinesAMinute, _memory.Lines.Count);
        _clock.Advance(LogBudget.Window);
        Assert.Equal($"Warning Microsoft.AspNetCore.Server.Kestrel {16_500 - LogBudget.LinesAMinute} more lines like this were left out: "
            + "Connection {Id} refused", _memory.Lines[^1]);
        log.LogWarning("Connection {Id} refused", 7);
        Assert.EndsWith("Connection 7 refused", _memory.Lines[^1], StringComparison.Ordinal);
        _clock.Advance(LogBudget.Window);
        Assert.Equal(LogBudget.LinesAMinute + 2, _memory.Lines.Count);
    }

    [Fact]
    public void Other_kinds_and_the_blocks_of_a_busy_chain_are_not_held_back()
    {
        using var provider = new BoundedLoggerProvider(_memory, _clock);
        var log = provider.CreateLogger("QuorumMesh.Node");
        for (var i = 0; i < 1000; i++) log.LogWarning("Refused");
        log.LogWarning("Another");
        for (var i = 0; i < 1000; i++) log.LogInformation("Block {Number}", i);
        Assert.Equal(LogBudget.LinesAMinute + 1 + 1000, _memory.Lines.Count);
    }

    [Fact]
    public void Peers_that_come_and_go_are_bounded_although_that_is_no_warning()
    {
        using var provider = new BoundedLoggerProvider(_memory, _clock);
        var log = provider.CreateLogger("QuorumMesh.Node.Network.PeerServer");
        for (var i = 0; i < 1000; i++) log.LogInformation("Peer {NodeId} connected", i);
        Assert.Equal(LogBudget.LinesAMinute, _memory.Lines.Count);
    }

    [Fact]
    public void What_was_left_out_is_told_at_the_end_too()
    {
        using (var provider = new BoundedLoggerProvider(_memory, _clock))
            for (var i = 0; i <= LogBudget.LinesAMinute; i++) provider.CreateLogger("A").LogError("Bad");
        Assert.EndsWith("1 more lines like this were left out: Bad", _memory.Lines[^1], StringComparison.Ordinal);
    }

    /// <summary>Kinds are bounded as well: a template made at run time must not fill the memory.</summary>
    [Fact]
    public void Kinds_beyond_the_bound_share_one_budget()
    {
        var budget = new LogBudget(_clock);
        var admitted = Enumerable.Range(0, 5000).Count(i => budget.Admits(new LogBudget.Kind("A", $"kind {i}")));
        Assert.Equal(1024 + LogBudget.LinesAMinute, admitted);
        Assert.Equal(5000 - admitted, budget.TakeLeftOut().Sum(k => k.LeftOut));
        Assert.Empty(budget.TakeLeftOut());
    }

    public static TheoryData<Exception, bool> Failures => new()
    {
        { new BadHttpRequestException("Reading the request body timed out", 408), false }, { new ConnectionResetException("reset"), false },
        { new ConnectionAbortedException("aborted"), false },
        { new OperationCanceledException(), false }, { new IOException("the disk is full"), true },
        { new InvalidOperationException("a defect"), true },
    };

    [Theory]
    [MemberData(nameof(Failures))]
    public void A_slow_client_is_no_stack_trace_and_a_defect_is_one(Exception failure, bool withTrace)
    {
        using var provider = new BoundedLoggerProvider(_memory, _clock);
        provider.CreateLogger("QuorumMesh.TxManager").LogError(failure, "Request {Method} failed", "POST");
        Assert.Equal(withTrace, ReferenceEquals(_memory.Failures.Single(), failure));
        if (!withTrace)
            Assert.Equal($"Error QuorumMesh.TxManager Request POST failed ({failure.GetType().Name}: {failure.Message})",
            _memory.Lines.Single());
    }

    [Fact]
    public void The_servers_own_lines_of_a_broken_connection_have_no_stack_trace()
    {
        using var provider = new BoundedLoggerProvider(_memory, _clock);
        provider.CreateLogger("Microsoft.AspNetCore.Server.Kestrel")
            .LogError(new IOException("The client reset the request stream."), "An unhandled exception was thrown by the application.");
        Assert.Null(_memory.Failures.Single());
    }

    private sealed class Memory : ILoggerProvider
    {
        public List<string> Lines { get; } = [];

        public List<Exception?> Failures { get; } = [];

        public ILogger CreateLogger(string categoryName) => new Category(this, categoryName);

        public void Dispose()
        {
        }

        private sealed class Category(Memory memory, string name) : ILogger
        {
            public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;

            public bool IsEnabled(LogLevel logLevel) => true;

            public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
                Func<TState, Exception?, string> formatter)
            {
                memory.Lines.Add($"{logLevel} {name} {formatter(state, exception)}");
                memory.Failures.Add(exception);
            }
        }
    }
}
