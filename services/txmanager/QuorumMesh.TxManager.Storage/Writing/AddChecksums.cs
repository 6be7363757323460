using System.Globalization;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core.Integrity;
using QuorumMesh.TxManager.Core.Ports;
using QuorumMesh.TxManager.Storage.Model;
using QuorumMesh.TxManager.Storage.Reading;

namespace QuorumMesh.TxManager.Storage.Writing;

/// <summary>
/// Gives the next rows without a checksum, written by older versions or by Tessera, theirs: table by table in the order of their keys. How
/// far it came is in the same transaction, so a kill repeats nothing and leaves nothing out. A row that is damaged already stays without.
/// </summary>
internal sealed class AddChecksums() : StoreWrite(default)
{
    private const int MaxRows = 256;

    /// <summary>A step ends after the row that passes this: it holds no more in memory, and other writes wait no longer.</summary>
    private const int MaxBytes = 4 * 1024 * 1024;

    public int Added { get; private set; }

    public List<(RowKind Kind, PayloadHash? Hash, string Fault)> Damaged { get; } = [];

    protected override bool Apply(WriterSession session)
    {
        Added = 0;
        Damaged.Clear();
        var place = session.FindMetadata(MetadataRow.ChecksumPlace);
        if (place == MetadataRow.ChecksumsDone)
            return false;
        var (kind, after) = Parse(place);
        var rows = session.RowsAfter(kind, after, MaxRows, MaxBytes);
        foreach (var row in rows.Where(r => !StoredRows.HasChecksum(r)))
            AddTo(session, kind, row);

        var next = rows.Count > 0 ? Place(kind, rows[^1][0]!)
            : kind == RowKind.Participation ? MetadataRow.ChecksumsDone : Place(kind + 1, Start(kind + 1));
        session.SetMetadata(MetadataRow.ChecksumPlace, next);
        return next != MetadataRow.ChecksumsDone;
    }

    private void AddTo(WriterSession session, RowKind kind, object?[] row)
    {
        // A checksum over a damaged row would make the damage look sound for good.
        if (StoredRows.Fault(kind, row) is { } fault)
        {
            Damaged.Add((kind, StoredRows.Hash(kind, row), fault));
            return;
        }

        session.SetChecksum(kind, row[0]!, StoredRows.Checksum(kind, row));
        Added++;
    }

    private static object Start(RowKind kind) => kind == RowKind.Participation ? long.MinValue : Array.Empty<byte>();

    private static string Place(RowKind kind, object key) =>
        kind + ":" + (key is byte[] bytes ? Convert.ToHexStringLower(bytes) : Convert.ToString(key, CultureInfo.InvariantCulture));

    /// <summary>A place that cannot be read is the start: rows that have their checksum are passed over.</summary>
    private static (RowKind Kind, object After) Parse(string? place)
    {
        var parts = place?.Split(':') ?? [];
        if (parts.Length == 2 && Enum.TryParse(parts[0], out RowKind kind) && Enum.IsDefined(kind))
        {
            if (kind == RowKind.Participation
                && long.TryParse(parts[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var sequence))
                return (kind, sequence);
            if (kind != RowKind.Participation && parts[1].Length % 2 == 0 && parts[1].All(char.IsAsciiHexDigit))
                return (kind, Convert.FromHexString(parts[1]));
        }

        return (RowKind.Payload, Start(RowKind.Payload));
    }
}
