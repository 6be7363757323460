using System.Data.Common;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Integrity;
using QuorumMesh.TxManager.Core.Ports;
using QuorumMesh.TxManager.Storage.Model;

namespace QuorumMesh.TxManager.Storage.Reading;

/// <summary>
/// Rows as the database gives them: their columns in the order of <see cref="RowChecksum"/>, the checksum last. Nothing is believed of
/// them, not even a column's type, for in a damaged file that may be another one.
/// </summary>
internal static class StoredRows
{
    public const string ChecksumFault = "its checksum does not fit";
    public const string CipherTextFault = "its ciphertext does not fit its hash";
    public const string FormFault = "its form is not one that was written";

    /// <summary>Stands for a column that could not even be read.</summary>
    private static readonly object Unreadable = new();

    public static string Table(RowKind kind) => kind switch
    {
        RowKind.Payload => "ENCRYPTED_TRANSACTION",
        RowKind.Raw => "ENCRYPTED_RAW_TRANSACTION",
        _ => "PARTICIPATION",
    };

    public static string Columns(RowKind kind) => kind switch
    {
        RowKind.Payload => "HASH, ENCODED_PAYLOAD, PAYLOAD_CODEC, TIMESTAMP, CHECKSUM",
        RowKind.Raw => "HASH, ENCRYPTED_KEY, ENCRYPTED_PAYLOAD, NONCE, SENDER, TIMESTAMP, CHECKSUM",
        _ => "SEQ, HASH, OWN_KEY, ROLE, CHECKSUM",
    };

    public static string Select(RowKind kind) => $"SELECT {Columns(kind)} FROM {Table(kind)}";

    /// <param name="from">The first column that belongs to the row.</param>
    public static object?[] Read(DbDataReader reader, int from = 0)
    {
        var row = new object?[reader.FieldCount - from];
        for (var i = 0; i < row.Length; i++)
            row[i] = Value(reader, from + i);

        return row;
    }

    public static bool HasChecksum(object?[] row) => row[^1] is not null;

    public static byte[] Checksum(RowKind kind, object?[] row) => RowChecksum.Of(kind, row.AsSpan(0, row.Length - 1));

    /// <summary>The hash that the row is about; null when that is none.</summary>
    public static PayloadHash? Hash(RowKind kind, object?[] row) =>
        row[kind == RowKind.Participation ? 1 : 0] is byte[] { Length: PayloadHash.Size } hash ? new PayloadHash(hash) : null;

    /// <returns>What does not fit, or null.</returns>
    public static string? Fault(RowKind kind, object?[] row)
    {
        string? fault;
        switch (kind)
        {
            case RowKind.Payload:
                OpenPayload(row, out fault);
                return fault;
            case RowKind.Raw:
                OpenRaw(row, out fault);
                return fault;
            default:
                return ChecksumFaultOf(kind, row)
                    ?? (row is [long, byte[] { Length: PayloadHash.Size }, byte[] { Length: > 0 and <= PublicKey.MaxSize }, int or long,
                        ..] ? null : FormFault);
        }
    }

    /// <returns>Null with a fault, and for a codec that this version cannot read: then without one.</returns>
    public static EncodedPayload? OpenPayload(object?[] row, out string? fault)
    {
        fault = ChecksumFaultOf(RowKind.Payload, row);
        if (fault is not null)
            return null;
        if (row is not [byte[] { Length: PayloadHash.Size } hash, byte[] encoded, null or string, ..])
        {
            fault = FormFault;
            return null;
        }

        if (!IsReadable(row))
            return null;
        try
        {
            var payload = row[2] is PayloadContext.CborCodec ? CborPayloadCodec.Decode(encoded) : LegacyPayloadCodec.Decode(encoded);
            fault = payload.ComputeHash().Equals(new PayloadHash(hash)) ? null : CipherTextFault;
            return fault is null ? payload : null;
        }
        catch (WireFormatException)
        {
            fault = FormFault;
            return null;
        }
    }

    /// <summary>Whether the payload is in a codec of ours.</summary>
    public static bool IsReadable(object?[] row) => row[2] is null or PayloadContext.LegacyCodec or PayloadContext.CborCodec;

    public static PrivacyException UnknownCodec(object?[] row) =>
        new(Failure.InvalidPayload, $"The payload is stored with the codec {row[2]}, which this version cannot read");

    public static RawPayload? OpenRaw(object?[] row, out string? fault)
    {
        fault = ChecksumFaultOf(RowKind.Raw, row);
        if (fault is not null)
            return null;
        if (row is not [byte[] { Length: PayloadHash.Size } hash, byte[] key, byte[] cipherText, byte[] nonce,
            byte[] { Length: > 0 and <= PublicKey.MaxSize } sender, ..])
        {
            fault = FormFault;
            return null;
        }

        var raw = new RawPayload(cipherText, key, nonce, new PublicKey(sender));
        fault = raw.ComputeHash().Equals(new PayloadHash(hash)) ? null : CipherTextFault;
        return fault is null ? raw : null;
    }

    private static string? ChecksumFaultOf(RowKind kind, object?[] row)
    {
        if (Array.IndexOf(row, Unreadable) >= 0)
            return FormFault;
        return row[^1] switch
        {
            null => null,
            byte[] stored when RowChecksum.Fits(stored, kind, row.AsSpan(0, row.Length - 1)) => null,
            _ => ChecksumFault,
        };
    }

    private static object? Value(DbDataReader reader, int column)
    {
        try
        {
            if (reader.IsDBNull(column))
                return null;
            // Read once: a long value goes by.
            var value = reader.GetValue(column);
            return value switch
            {
                byte[] or string or int or long or double => value,
                // Some of Tessera's scripts make the time a DECIMAL(19).
                decimal number when decimal.IsInteger(number) => (long)number,
                _ => Unreadable,
            };
        }
        catch (Exception e) when (e is ArgumentException or FormatException or InvalidCastException or OverflowException)
        {
            // Bytes that are no text, for example.
            return Unreadable;
        }
    }
}
