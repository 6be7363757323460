using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Identities;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core.Ports;
using QuorumMesh.TxManager.Storage.Writing;

namespace QuorumMesh.TxManager.Storage;

/// <content>The receipts of recipients. Their signatures are their checksums.</content>
public sealed partial class PayloadStore
{
    private const string ReceiptsOf = "SELECT DISTINCT l.BODY FROM RECEIPT r JOIN RECEIPT_LIST l ON l.ID = r.LIST WHERE r.HASH = @p0";

    /// <inheritdoc/>
    public Task SaveReceiptsAsync(IReadOnlyList<DeliveryReceipts> receipts, CancellationToken cancel) =>
        _writer.WriteAsync(new SaveReceipts(receipts));

    /// <inheritdoc/>
    public async Task<IReadOnlyList<DeliveryReceipts>> ReceiptsAsync(PayloadHash hash, CancellationToken cancel)
    {
        var rows = await _reader.ListAsync(ReceiptsOf, cancel, hash.ToArray()).ConfigureAwait(false);
        return [.. rows.Select(ReceiptsOrNull).OfType<DeliveryReceipts>()];
    }

    private DeliveryReceipts? ReceiptsOrNull(object?[] row)
    {
        try
        {
            return DeliveryReceipts.Read(row[0] as byte[]);
        }
        catch (WireFormatException e)
        {
            _damage.TellOnce($"A row of RECEIPT_LIST is damaged: {e.Message}");
            return null;
        }
    }
}
