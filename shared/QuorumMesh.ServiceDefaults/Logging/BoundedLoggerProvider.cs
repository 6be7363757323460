using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace QuorumMesh.ServiceDefaults.Logging;

/// <summary>
/// Keeps noise out of another provider's log. Warnings, errors and what is told of peers get a <see cref="LogBudget"/> per kind,
/// and each minute one line says what was left out. Failures that a client causes, by being slow or by hanging up, are told
/// without a stack trace: it would only show the server's way of reading.
/// </summary>
internal sealed class BoundedLoggerProvider : ILoggerProvider, ISupportExternalScope
{
    /// <summary>Strangers cause these lines, which are no warnings.</summary>
    private const string PeerCategory = "QuorumMesh.Node.Network";

    private readonly ILoggerProvider _inner;
    private readonly LogBudget _budget;
    private readonly ITimer _timer;

    public BoundedLoggerProvider(ILoggerProvider inner, TimeProvider clock)
    {
        _inner = inner;
        _budget = new LogBudget(clock);
        _timer = clock.CreateTimer(_ => TellLeftOut(), null, LogBudget.Window, LogBudget.Window);
    }

    public ILogger CreateLogger(string categoryName) => new BoundedLogger(_inner.CreateLogger(categoryName), categoryName, _budget);

    public void SetScopeProvider(IExternalScopeProvider scopeProvider) =>
        (_inner as ISupportExternalScope)?.SetScopeProvider(scopeProvider);

    public void Dispose()
    {
        _timer.Dispose();
        TellLeftOut();
        _inner.Dispose();
    }

    private void TellLeftOut()
    {
        foreach (var (kind, leftOut) in _budget.TakeLeftOut())
            _inner.CreateLogger(kind.Category ?? "QuorumMesh")
                .LogWarning("{Count} more lines like this were left out: {Kind}", leftOut, kind.Format ?? "(of many kinds)");
    }

    private sealed class BoundedLogger(ILogger inner, string category, LogBudget budget) : ILogger
    {
        private readonly bool _tellsOfPeers = category.StartsWith(PeerCategory, StringComparison.Ordinal);
        private readonly bool _serves = category.StartsWith("Microsoft.AspNetCore", StringComparison.Ordinal)
            || category.StartsWith("Grpc", StringComparison.Ordinal);

        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => inner.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
            Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel)) return;
            if ((logLevel >= LogLevel.Warning || _tellsOfPeers)
                && !budget.Admits(new LogBudget.Kind(category, FormatOf(state, eventId)))) return;
            if (exception is null || !IsTheClients(exception)) inner.Log(logLevel, eventId, state, exception, formatter);
            else inner.Log(logLevel, eventId, state, null,
                (s, _) => $"{formatter(s, exception)} ({exception.GetType().Name}: {exception.Message})");
        }

        private bool IsTheClients(Exception e) =>
            e is BadHttpRequestException or ConnectionResetException or ConnectionAbortedException or OperationCanceledException
            || (_serves && e is IOException);

        private static string FormatOf<TState>(TState state, EventId eventId) =>
            state is IReadOnlyList<KeyValuePair<string, object?>> { Count: > 0 } values
                && values[^1] is { Key: "{OriginalFormat}", Value: string format } ? format : eventId.ToString();
    }
}
