using QuorumMesh.Contracts.Identities;
using QuorumMesh.Enclave.Core;
using QuorumMesh.TxManager.Core.Ports;

namespace QuorumMesh.TxManager.Core.Identities;

/// <summary>
/// Fetches, checks and keeps the receipts for our pushes, behind the sends that they are of: no send waits for one, and a push that is
/// repeated brings it again.
/// </summary>
public sealed class ReceiptKeeper(IdentityBook book, IReceiptStore store, IReceiptSource peers)
{
    private long _kept;
    private long _refused;
    private long _lost;

    /// <summary>Something that an operator should know: a line for the log, once for each reason and manager in a while.</summary>
    public event Action<string>? Told;

    /// <summary>Payloads with a receipt that was stored.</summary>
    public long Kept => Interlocked.Read(ref _kept);

    /// <summary>Lists that were no receipts of the recipients that they name.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>Receipts that the store did not take.</summary>
    public long Lost => Interlocked.Read(ref _lost);

    /// <summary>Fetches what managers have noted of our pushes by now; who does not answer is asked again with the next round.</summary>
    public async Task FetchAsync(CancellationToken cancel)
    {
        foreach (var url in peers.WithReceipts())
            try
            {
                IReadOnlyList<DeliveryReceipts> lists;
                do
                {
                    lists = await peers.FetchReceiptsAsync(url, cancel).ConfigureAwait(false);
                    await StoreAsync([.. lists.Where(l => IsGood(url, l))], cancel).ConfigureAwait(false);
                }
                while (lists.Count == ReceiptLists.MaxLists);
            }
            catch (PrivacyException)
            {
                // It is away or busy, and so is told by the sends themselves.
            }
    }

    private async Task StoreAsync(IReadOnlyList<DeliveryReceipts> good, CancellationToken cancel)
    {
        if (good.Count == 0)
            return;
        try
        {
            await store.SaveReceiptsAsync(good, cancel).ConfigureAwait(false);
            Interlocked.Add(ref _kept, good.Sum(r => r.Deliveries.Count));
        }
        catch (PrivacyException e)
        {
            if (Interlocked.Add(ref _lost, good.Sum(r => r.Deliveries.Count)) is var lost && (lost & (lost - 1)) == 0)
                Told?.Invoke($"Receipts of recipients could not be kept ({lost} so far): {e.Message}");
        }
    }

    /// <summary>Whether the identity has signed them whose keys they name.</summary>
    internal bool IsGood(string url, DeliveryReceipts receipts)
    {
        // Nobody's keys yet: the managers have not shown each other who they are.
        if (receipts.Deliveries.Any(d => book.OwnerOf(d.Recipient) is null))
            return false;
        var statement = IdentityStatement.DeliveryReceipts(receipts.KeptAt, receipts.Store, receipts.Deliveries);
        if (receipts.Deliveries.All(d => book.OwnerOf(d.Recipient) == receipts.Identity)
            && IdentityKey.Verify(receipts.Identity.Span, statement, receipts.Signature))
            return true;
        if (Interlocked.Increment(ref _refused) is var count && (count & (count - 1)) == 0)
            Told?.Invoke($"Receipts that came from {url} are refused ({count} so far): their recipients' identities have not signed them");
        return false;
    }
}
