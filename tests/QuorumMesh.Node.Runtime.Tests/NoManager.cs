using QuorumMesh.Chain.Payloads;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>For nodes without private transactions.</summary>
internal sealed class NoManager : ITransactionManager
{
    public bool Enabled => false;

    public Task<PayloadAnswer> SendAsync(SendArguments arguments, CancellationToken cancellation) => throw new NotSupportedException();

    public Task<PayloadHash> StoreRawAsync(byte[] payload, string? privateFrom, CancellationToken cancellation) =>
        throw new NotSupportedException();

    public Task SendSignedAsync(PayloadHash hash, IReadOnlyList<string> privateFor, SendPrivacy privacy, CancellationToken cancellation) =>
        throw new NotSupportedException();

    public Task<IReadOnlyList<PayloadAnswer>> ReceiveAsync(IReadOnlyList<PayloadHash> hashes, CancellationToken cancellation) =>
        throw new NotSupportedException();

    public IAsyncEnumerable<AvailablePayload> WatchAsync(long afterSequence, CancellationToken cancellation) =>
        throw new NotSupportedException();
}
