using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Storage;

/// <summary>A block's receipt list as stored; an empty item stands for no receipt.</summary>
internal static class StoredReceipts
{
    public static ReadOnlySpan<byte> Encode(IReadOnlyList<Receipt?> receipts)
    {
        var writer = new RlpWriter();
        var mark = writer.BeginList();
        foreach (var receipt in receipts)
        {
            if (receipt is null)
                writer.Write(ReadOnlySpan<byte>.Empty);
            else
                receipt.WriteStored(writer);
        }
        writer.EndList(mark);
        return writer.WrittenSpan;
    }

    public static IReadOnlyList<Receipt?> Decode(ReadOnlySpan<byte> encoded)
    {
        var reader = new RlpReader(encoded);
        var receipts = new List<Receipt?>();
        for (var items = reader.ReadList(); !items.End;)
        {
            if (items.IsList)
                receipts.Add(Receipt.ReadStored(ref items));
            else
            {
                items.Skip();
                receipts.Add(null);
            }
        }
        return receipts;
    }
}
