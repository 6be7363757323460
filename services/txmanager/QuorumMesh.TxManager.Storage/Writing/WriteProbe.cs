using QuorumMesh.TxManager.Core;

namespace QuorumMesh.TxManager.Storage.Writing;

/// <summary>Tells whether the store takes writes, by one every some seconds, whoever asks how often.</summary>
internal sealed class WriteProbe(BatchWriter writer, TimeProvider clock)
{
    private static readonly TimeSpan WhileWell = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private Task<bool>? _latest;
    private long _startedAt;

    /// <returns>When the latest one is committed.</returns>
    /// <exception cref="PrivacyException">The store does not take it.</exception>
    public async Task CheckAsync(CancellationToken cancel)
    {
        Task<bool> current;
        lock (_gate)
        {
            if (_latest is null
                || (_latest.IsCompleted
                    && clock.GetElapsedTime(_startedAt) >= (_latest.IsCompletedSuccessfully ? WhileWell : AfterFailure)))
            {
                _startedAt = clock.GetTimestamp();
                _latest = WriteAsync();
            }

            current = _latest;
        }

        await current.WaitAsync(cancel).ConfigureAwait(false);
    }

    /// <summary>Asynchronous also in what it throws.</summary>
    private async Task<bool> WriteAsync() =>
        await writer.WriteAsync(new ProbeWrite(clock.GetUtcNow().ToUnixTimeMilliseconds())).ConfigureAwait(false);
}
