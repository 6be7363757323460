using Microsoft.Extensions.Logging;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime;

namespace QuorumMesh.Node.Tests;

public sealed class RaftEventLogTests
{
    private readonly Clock _clock = new();
    private readonly Lines _lines = new();

    [Fact]
    public void Strangers_cannot_fill_the_log()
    {
        var log = new RaftEventLog(_lines, _clock);
        for (var i = 0; i < 1_000; i++) log.Refused(new RaftRefusedEvent(99, "Heartbeat", "unknown-sender"));
        log.Refused(new RaftRefusedEvent(1, "Heartbeat", "past-log"));
        Assert.Equal(2, _lines.Written.Count);
        Assert.Contains("under a new id", _lines.Written[1].Text, StringComparison.Ordinal);
        _clock.Now += TimeSpan.FromMinutes(1).Ticks;
        log.Refused(new RaftRefusedEvent(99, "Heartbeat", "unknown-sender"));
        Assert.Contains("999 more", _lines.Written[2].Text, StringComparison.Ordinal);
    }

    [Fact]
    public void Each_committed_entry_without_effect_has_a_line_that_names_it()
    {
        var log = new RaftEventLog(_lines, _clock);
        var block = new BlockPointer(7, Primitives.Keccak.Hash([1]));
        log.PassedOver(new PassedOverEvent(40, PassedOverKind.Void, block, "it builds on another"));
        log.PassedOver(new PassedOverEvent(41, PassedOverKind.Unreadable, null, "it is no block"));
        Assert.Equal([LogLevel.Warning, LogLevel.Error], _lines.Written.Select(l => l.Level));
        Assert.Contains($"Block 7 {block.Hash} (Raft entry 40)", _lines.Written[0].Text, StringComparison.Ordinal);
        Assert.Contains("entry 41", _lines.Written[1].Text, StringComparison.Ordinal);
    }

    private sealed class Clock : TimeProvider
    {
        public long Now { get; set; }
        public override long TimestampFrequency => TimeSpan.TicksPerSecond;
        public override long GetTimestamp() => Now;
    }

    private sealed class Lines : ILogger
    {
        public List<(LogLevel Level, string Text)> Written { get; } = [];
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;
        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter) =>
            Written.Add((logLevel, formatter(state, exception)));
    }
}
