using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime;

/// <summary>Asks the manager for payloads and follows its Watch stream; the answers go to the loop as inputs.</summary>
internal sealed class PayloadFetcher(ITransactionManager manager, Func<NodeInput, bool> post, TimeProvider clock) : IAsyncDisposable
{
    private const int MaxPerRequest = 256;
    private const int MaxRequests = 8;
    private static readonly TimeSpan FullMailboxPause = TimeSpan.FromMilliseconds(100);

    private readonly SemaphoreSlim _requests = new(MaxRequests);
    private Task _watch = Task.CompletedTask;

    public void Fetch(IReadOnlyCollection<PayloadHash> hashes, CancellationToken cancellation)
    {
        foreach (var some in hashes.Chunk(MaxPerRequest))
            _ = FetchAsync(some, cancellation);
    }

    public void Watch(long after, CancellationToken cancellation)
    {
        if (manager.Enabled) _watch = WatchAsync(after, cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await _watch.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _requests.Dispose();
    }

    private async Task FetchAsync(PayloadHash[] hashes, CancellationToken cancellation)
    {
        try
        {
            await _requests.WaitAsync(cancellation).ConfigureAwait(false);
            try
            {
                var answers = await manager.ReceiveAsync(hashes, cancellation).ConfigureAwait(false);
                await PostAsync(new NodeInput.PayloadAnswers(answers), cancellation).ConfigureAwait(false);
            }
            finally
            {
                _requests.Release();
            }
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // The node stops.
        }
    }

    private async Task WatchAsync(long after, CancellationToken cancellation)
    {
        await foreach (var (sequence, hash) in manager.WatchAsync(after, cancellation).ConfigureAwait(false))
            await PostAsync(new NodeInput.PayloadArrived(sequence, hash), cancellation).ConfigureAwait(false);
    }

    private async Task PostAsync(NodeInput input, CancellationToken cancellation)
    {
        while (!post(input))
            await Task.Delay(FullMailboxPause, clock, cancellation).ConfigureAwait(false);
    }
}
