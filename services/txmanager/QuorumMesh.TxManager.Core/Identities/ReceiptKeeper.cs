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
    /// <summary>Lists of keys that are nobody's yet: of all managers, and of one.</summary>
    private const int MaxWaiting = 256;
    private const int MaxWaitingEach = 2 * ReceiptLists.MaxLists;

    /// <summary>Rounds that such a list waits, of which there is one in a second.</summary>
    private const int MaxRounds = 600;

    private readonly Queue<(string Url, DeliveryReceipts List, int Round)> _waiting = new();
    private long _kept;
    private long _refused;
    private long _lost;

    /// <summary>Something that an operator should know: a line for the log, once for each reason and manager in a while.</summary>
    public event Action<string>? Told;

    /// <summary>Payloads with a receipt that was stored.</summary>
    public long Kept => Interlocked.Read(ref _kept);

    /// <summary>Lists that were no receipts of the recipients that they name.</summary>
    public long Refused => Interlocked.Read(ref _refused);

    /// <summary>Receipts that the store did not take, or whose recipients' identities were not learnt in time.</summary>
    public long Lost => Interlocked.Read(ref _lost);

    /// <summary>Fetches what managers have noted of our pushes by now; who does not answer is asked again with the next round.</summary>
    public async Task FetchAsync(CancellationToken cancel)
    {
        await TryWaitingAsync(cancel).ConfigureAwait(false);
        foreach (var url in peers.WithReceipts())
            try
            {
                IReadOnlyList<DeliveryReceipts> lists;
                do
                {
                    lists = await peers.FetchReceiptsAsync(url, cancel).ConfigureAwait(false);
                    foreach (var list in lists.Where(HasUnknownOwner))
                        Keep(url, list, round: 0);
                    await StoreAsync([.. lists.Where(l => IsGood(url, l))], cancel).ConfigureAwait(false);
                }
                while (lists.Count == ReceiptLists.MaxLists);
            }
            catch (PrivacyException)
            {
                // It is away or busy, and so is told by the sends themselves.
            }
    }

    /// <summary>The recipient gives a list once: those whose signers were not known with it are looked at again.</summary>
    private async Task TryWaitingAsync(CancellationToken cancel)
    {
        var good = new List<DeliveryReceipts>();
        for (var left = _waiting.Count; left > 0; left--)
        {
            var (url, list, round) = _waiting.Dequeue();
            if (HasUnknownOwner(list))
                Keep(url, list, round + 1);
            else if (IsGood(url, list))
                good.Add(list);
        }

        await StoreAsync(good, cancel).ConfigureAwait(false);
    }

    private void Keep(string url, DeliveryReceipts list, int round)
    {
        if (round < MaxRounds && _waiting.Count < MaxWaiting && _waiting.Count(w => w.Url == url) < MaxWaitingEach)
            _waiting.Enqueue((url, list, round));
        else
            Lose(list.Deliveries.Count, "the identities of their recipients are not known");
    }

    private void Lose(int count, string why)
    {
        if (Interlocked.Add(ref _lost, count) is var lost && (lost & (lost - 1)) == 0)
            Told?.Invoke($"Receipts of recipients could not be kept ({lost} so far): {why}");
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
            Lose(good.Sum(r => r.Deliveries.Count), e.Message);
        }
    }

    /// <summary>Whether the identity has signed them whose keys they name.</summary>
    internal bool IsGood(string url, DeliveryReceipts receipts)
    {
        if (HasUnknownOwner(receipts))
            return false;
        var statement = IdentityStatement.DeliveryReceipts(receipts.KeptAt, receipts.Store, receipts.Deliveries);
        if (receipts.Deliveries.All(d => book.OwnerOf(d.Recipient) == receipts.Identity)
            && IdentityKey.Verify(receipts.Identity.Span, statement, receipts.Signature))
            return true;
        if (Interlocked.Increment(ref _refused) is var count && (count & (count - 1)) == 0)
            Told?.Invoke($"Receipts that came from {url} are refused ({count} so far): their recipients' identities have not signed them");
        return false;
    }

    /// <summary>Nobody's keys yet: the managers have not shown each other who they are.</summary>
    private bool HasUnknownOwner(DeliveryReceipts receipts) => receipts.Deliveries.Any(d => book.OwnerOf(d.Recipient) is null);
}
