using QuorumMesh.Contracts.Identities;

namespace QuorumMesh.TxManager.Core.Ports;

/// <summary>
/// The managers that our pushes went to, asked for their receipts. Failures are <see cref="PrivacyException"/>, as of
/// <see cref="IPeerClient"/>.
/// </summary>
public interface IReceiptSource
{
    /// <summary>Managers that have noted pushes of ours for receipts that were not fetched yet.</summary>
    IReadOnlyList<string> WithReceipts();

    /// <summary>
    /// Fetches receipts; whether they hold is another question. One that gives more than it had pushes of ours is refused, or it would
    /// fill our database.
    /// </summary>
    /// <returns>Fewer than <see cref="ReceiptLists.MaxLists"/> when there are no more.</returns>
    Task<IReadOnlyList<DeliveryReceipts>> FetchReceiptsAsync(string peerUrl, CancellationToken cancel);
}
