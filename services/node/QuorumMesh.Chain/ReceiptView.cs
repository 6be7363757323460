namespace QuorumMesh.Chain;

/// <summary>A receipt as the RPC shows it on this node.</summary>
/// <param name="FirstLogIndex">Of this receipt's logs within the block.</param>
/// <param name="IsPrivateSide">True when the private receipt stands in for the public one.</param>
public readonly record struct ReceiptView(Receipt Receipt, uint FirstLogIndex, bool IsPrivateSide)
{
    /// <summary>Of the private transaction that was run for a marker; null for all others, and where none was run.</summary>
    public MarkedReceipt? Marked { get; init; }

    /// <summary>Merges the public list with this node's private receipts. Never for p2p: it shows private logs.</summary>
    /// <param name="transactions">Of the block.</param>
    /// <param name="privateReceipts">Null when the private side of the block is not there.</param>
    public static IReadOnlyList<ReceiptView> Merge(IReadOnlyList<Transaction> transactions, IReadOnlyList<Receipt> receipts,
        IReadOnlyList<Receipt?>? privateReceipts, CompatibilityProfile profile)
    {
        var views = new ReceiptView[receipts.Count];
        uint publicIndex = 0, privateIndex = 0, markedLogs = 0;
        for (var i = 0; i < views.Length; i++)
        {
            var own = privateReceipts?[i];
            if (own is null || !transactions[i].IsPrivate)
            {
                // The logs of what a marker runs stand beside those of the block, and shift none of these (24:core/types/receipt.go
                // DeriveFields, which cannot number a second marker).
                views[i] = new ReceiptView(receipts[i], publicIndex, false)
                {
                    Marked = own is null ? null : new MarkedReceipt(own, publicIndex + markedLogs),
                };
                publicIndex += (uint)receipts[i].Logs.Count;
                markedLogs += (uint)(own?.Logs.Count ?? 0);
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

/// <summary>The receipt of the private transaction in a marker.</summary>
/// <param name="FirstLogIndex">Of its logs within the block.</param>
public readonly record struct MarkedReceipt(Receipt Receipt, uint FirstLogIndex);
