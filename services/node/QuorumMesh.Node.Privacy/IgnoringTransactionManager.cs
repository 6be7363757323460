using System.Runtime.CompilerServices;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Privacy;

/// <summary>No manager: a stranger to every private transaction.</summary>
/// <param name="isConfigured">
/// True for <c>PRIVATE_CONFIG=ignore</c>, which GoQuorum answers in other words than a node that was told of no manager.
/// </param>
public sealed class IgnoringTransactionManager(bool isConfigured) : ITransactionManager, IManagerProbe
{
    private const string NotInUse = "private transaction manager not in use";

    /// <inheritdoc/>
    public bool Enabled => isConfigured;

    /// <inheritdoc/>
    public Task<PayloadAnswer> SendAsync(SendArguments arguments, CancellationToken cancellation) =>
        Task.FromException<PayloadAnswer>(new TransactionManagerException(NotInUse));

    /// <inheritdoc/>
    public Task<PayloadHash> StoreRawAsync(byte[] payload, string? privateFrom, CancellationToken cancellation) =>
        Task.FromException<PayloadHash>(new TransactionManagerException(NotInUse));

    /// <inheritdoc/>
    public Task SendSignedAsync(PayloadHash hash, IReadOnlyList<string> privateFor, SendPrivacy privacy, CancellationToken cancellation) =>
        Task.FromException(new TransactionManagerException(NotInUse));

    /// <inheritdoc/>
    public Task<IReadOnlyList<PayloadAnswer>> ReceiveAsync(IReadOnlyList<PayloadHash> hashes, CancellationToken cancellation) =>
        // As GoQuorum: every private transaction is run as by a stranger, ghost accounts included (2.5:core/state_transition.go).
        Task.FromResult<IReadOnlyList<PayloadAnswer>>([.. hashes.Select(h => PayloadAnswer.NotAParty(h, NotInUse))]);

    /// <inheritdoc/>
    public async IAsyncEnumerable<AvailablePayload> WatchAsync(long afterSequence, [EnumeratorCancellation] CancellationToken cancellation)
    {
        await Task.Delay(Timeout.InfiniteTimeSpan, cancellation).ConfigureAwait(false);
        yield break;
    }

    /// <inheritdoc/>
    public ValueTask<string?> CheckAsync(CancellationToken cancellation) => ValueTask.FromResult<string?>(null);
}
