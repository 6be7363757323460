namespace QuorumMesh.Chain;

/// <summary>A receipt as the RPC shows it on this node.</summary>
/// <param name="FirstLogIndex">Of this receipt's logs within the block.</param>
/// <param name="IsPrivateSide">True when the private receipt stands in for the public one.</param>
public readonly record struct ReceiptView(Receipt Receipt, uint FirstLogIndex, bool IsPrivateSide)
{
    /// <summary>Merges the public list with this node's private receipts. Never for p2p: it shows private logs.</summary>
    /// <param name="privateReceipts">Null when the private side of the block is not there.</param>
    public static IReadOnlyList<ReceiptView> Merge(IReadOnlyList<Receipt> receipts, IReadOnlyList<Receipt?>? privateReceipts,
        CompatibilityProfile profile)
    {
        var views = new ReceiptView[receipts.Count];
        uint publicIndex = 0, privateIndex = 0;
        for (var i = 0; i < views.Length; i++)
        {
            if (privateReceipts?[i] is not { } own)
            {
                views[i] = new ReceiptView(receipts[i], publicIndex, false);
                publicIndex += (uint)receipts[i].Logs.Count;
            }
            // GoQuorum 2.5 counts private logs by themselves, so that two logs of a block may have one index. Clients that
            // compare notes with a GoQuorum node need the same figures.
            else if (profile.Rpc.SeparatesPrivateLogIndexes)
            {
                views[i] = new ReceiptView(own, privateIndex, true);
                privateIndex += (uint)own.Logs.Count;
            }
            else
            {
                views[i] = new ReceiptView(own, publicIndex, true);
                publicIndex += (uint)own.Logs.Count;
            }
        }
        return views;
    }
}
