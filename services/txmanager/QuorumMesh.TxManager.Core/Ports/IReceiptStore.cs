using QuorumMesh.Contracts.Identities;
using QuorumMesh.Primitives;

namespace QuorumMesh.TxManager.Core.Ports;

/// <summary>
/// The receipts of recipients. A completed write is durable. Failures are <see cref="PrivacyException"/> with
/// <see cref="Failure.StoreUnavailable"/>.
/// </summary>
public interface IReceiptStore
{
    /// <summary>Keeps receipts whose signatures hold; of a payload and recipient the first one stays.</summary>
    Task SaveReceiptsAsync(IReadOnlyList<DeliveryReceipts> receipts, CancellationToken cancel);

    /// <summary>Those of one payload; rows that are damaged in their form are told and left out.</summary>
    Task<IReadOnlyList<DeliveryReceipts>> ReceiptsAsync(PayloadHash hash, CancellationToken cancel);
}
