using System.Security.Cryptography;
using QuorumMesh.Contracts.Identities;

namespace QuorumMesh.TxManager.Storage.Writing;

/// <summary>Keeps receipts, each message of them once, and for each payload and recipient the first.</summary>
internal sealed class SaveReceipts(IReadOnlyList<DeliveryReceipts> receipts) : StoreWrite(default)
{
    private readonly (byte[] Id, byte[] Body, (byte[] Hash, byte[] Recipient)[] Payloads)[] _lists = [.. receipts.Select(List)];

    protected override bool Apply(WriterSession session)
    {
        foreach (var (id, body, payloads) in _lists)
            session.SaveReceipts(id, body, payloads);
        return true;
    }

    /// <remarks>On the caller's thread, of which there are many; the writer is one.</remarks>
    private static (byte[] Id, byte[] Body, (byte[] Hash, byte[] Recipient)[] Payloads) List(DeliveryReceipts receipts)
    {
        var body = receipts.Write();
        return (SHA256.HashData(body), body, [.. receipts.Deliveries.Select(d => (d.Hash.ToArray(), d.Recipient.ToArray()))]);
    }
}
