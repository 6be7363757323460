using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core.Ports;

namespace QuorumMesh.TxManager.Tests.Hosting;

/// <summary>An enclave that, while it is held, lets nobody's payload be opened or sealed.</summary>
internal sealed class HeldEnclave(IEnclave inner) : IEnclave
{
    private TaskCompletionSource _free = Freed();
    private int _waiting;

    /// <summary>Calls that wait for it.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    public void Hold() => _free = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Free() => _free.TrySetResult();

    public Task<EnclaveKeys> KeysAsync(CancellationToken cancel) => inner.KeysAsync(cancel);

    public Task<EncodedPayload> SealAsync(ReadOnlyMemory<byte> payload, PublicKey sender, IReadOnlyList<PublicKey> recipients,
        IReadOnlyList<AffectedPayload> affected, CancellationToken cancel) =>
        WhenFreeAsync(() => inner.SealAsync(payload, sender, recipients, affected, cancel), cancel);

    public Task<EncodedPayload> SealStoredAsync(RawPayload raw, IReadOnlyList<PublicKey> recipients,
        IReadOnlyList<AffectedPayload> affected, CancellationToken cancel) =>
        WhenFreeAsync(() => inner.SealStoredAsync(raw, recipients, affected, cancel), cancel);

    public Task<IReadOnlyList<PayloadHash>> UnprovenAsync(
        EncodedPayload payload, IReadOnlyList<AffectedPayload> affected, CancellationToken cancel) =>
        inner.UnprovenAsync(payload, affected, cancel);

    public Task<RawPayload> SealRawAsync(ReadOnlyMemory<byte> payload, PublicKey sender, CancellationToken cancel) =>
        WhenFreeAsync(() => inner.SealRawAsync(payload, sender, cancel), cancel);

    public Task<OpenedPayload> OpenAsync(EncodedPayload payload, PublicKey? ownKey, CancellationToken cancel) =>
        WhenFreeAsync(() => inner.OpenAsync(payload, ownKey, cancel), cancel);

    public Task<byte[]> OpenRawAsync(RawPayload raw, CancellationToken cancel) =>
        WhenFreeAsync(() => inner.OpenRawAsync(raw, cancel), cancel);

    public Task<byte[]> AddBoxAsync(EncodedPayload payload, PublicKey recipient, CancellationToken cancel) =>
        inner.AddBoxAsync(payload, recipient, cancel);

    private static TaskCompletionSource Freed()
    {
        var free = new TaskCompletionSource();
        free.SetResult();
        return free;
    }

    private async Task<T> WhenFreeAsync<T>(Func<Task<T>> call, CancellationToken cancel)
    {
        Interlocked.Increment(ref _waiting);
        try
        {
            await _free.Task.WaitAsync(cancel);
            return await call();
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }
}
