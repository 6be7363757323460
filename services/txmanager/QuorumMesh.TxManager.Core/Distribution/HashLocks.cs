using QuorumMesh.Primitives;

namespace QuorumMesh.TxManager.Core;

/// <summary>One writer at a time per payload hash; striped, so its memory is fixed.</summary>
public sealed class HashLocks
{
    private readonly SemaphoreSlim[] stripes = [.. Enumerable.Range(0, 256).Select(_ => new SemaphoreSlim(1, 1))];

    public async ValueTask<Holder> AcquireAsync(PayloadHash hash, CancellationToken cancel)
    {
        SemaphoreSlim stripe = stripes[(uint)hash.GetHashCode() % (uint)stripes.Length];
        await stripe.WaitAsync(cancel).ConfigureAwait(false);
        return new Holder(stripe);
    }

    public readonly struct Holder(SemaphoreSlim stripe) : IDisposable
    {
        public void Dispose() => stripe.Release();
    }
}
