using System.Globalization;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Storage.Model;

namespace QuorumMesh.TxManager.Storage;

/// <summary>
/// Recognises the tables of a Tessera (tessera 7.6): of up to 21.x, and of 22.1 and later with its codec column. Others are refused before
/// anything is changed. What is added is nullable, so that the Tessera inserts and updates as before; a trigger voids our checksum of a row
/// that somebody changes without it.
/// </summary>
internal sealed class TesseraSchema(StoreProvider provider, StoreSession session)
{
    private const string Payloads = "ENCRYPTED_TRANSACTION";
    private const string Raw = "ENCRYPTED_RAW_TRANSACTION";
    private const string Groups = "PRIVACY_GROUP";
    private const string Codec = "PAYLOAD_CODEC";

    private static readonly string[] PayloadColumns = ["HASH", "ENCODED_PAYLOAD", "TIMESTAMP"];
    private static readonly string[] RawColumns = ["HASH", "ENCRYPTED_KEY", "ENCRYPTED_PAYLOAD", "NONCE", "SENDER", "TIMESTAMP"];
    private static readonly string[] GroupColumns = ["ID", "LOOKUP_ID", "DATA", "TIMESTAMP"];
    private static readonly string[] Ours = ["PARTICIPATION", "METADATA", "PEER_IDENTITY", "KEY_PIN", "RECEIPT_LIST", "RECEIPT"];

    private ILookup<string, Column>? _columns;

    /// <exception cref="PrivacyException">Payloads lie in tables that our statements would not find: made anew and empty, those would
    /// answer that we are party to nothing.</exception>
    public void RefuseStrays()
    {
        if (provider.Strays is { } query && session.Rows(query) is [var stray, ..])
            throw Refused($"the search path has the table \"{stray[0]}\".\"{stray[1]}\", in another schema or spelling than "
                + "this manager's; name its schema first in the search path and spell it in lower case (ALTER TABLE … RENAME TO), or take "
                + "it off the path");
    }

    /// <returns>Null for a database without such tables.</returns>
    /// <exception cref="PrivacyException">The tables are of no Tessera that is known.</exception>
    public Found? Recognise()
    {
        if (Array.Find(Ours, t => Columns[t].Any()) is { } taken)
            throw Refused($"it has a table {taken} that this manager did not make; give the manager a database or schema of its own");
        if (!Columns[Payloads].Any() && !Columns[Raw].Any())
            return null;
        Require(Payloads, PayloadColumns, [Codec]);
        if (Columns[Raw].Any())
            Require(Raw, RawColumns, []);
        if (Columns[Groups].Any())
            Require(Groups, GroupColumns, []);
        var hasCodec = Has(Payloads, Codec);
        if (Exists($"{Payloads} WHERE length(HASH) <> 64"))
            throw Refused("its hashes have not 64 bytes: it is of Tessera's Orion mode, which this manager does not speak");
        if (hasCodec && session.Rows($"SELECT {Codec} FROM {Payloads} WHERE {Codec} NOT IN ('LEGACY', 'CBOR') LIMIT 1") is [[var other]])
            throw Refused($"it has rows of the codec {other}, which this version cannot read");
        return new Found(hasCodec, hasCodec && Exists($"{Payloads} WHERE {Codec} = '{PayloadContext.CborCodec}'"));
    }

    /// <summary>Once our own tables and columns are there.</summary>
    /// <returns>What was done, in one line.</returns>
    public string TakeOver(Found found)
    {
        if (!found.HasCodec)
            session.Execute($"ALTER TABLE {Payloads} ADD COLUMN {Codec} VARCHAR(50)");
        session.Execute($"UPDATE {Payloads} SET TIMESTAMP = 0 WHERE TIMESTAMP IS NULL");
        foreach (var statement in provider.Takeover)
            session.Execute(statement);
        session.SetMetadata(MetadataRow.TakenOver, found.HasCodec ? "22.1" : "21.1");
        if (found.HasCbor)
            session.SetMetadata(MetadataRow.RowCodec, PayloadContext.CborCodec);
        var rows = session.Count($"SELECT count(*) FROM {Payloads}").ToString(CultureInfo.InvariantCulture);
        var codec = found.HasCodec ? "CHECKSUM" : $"{Codec} and CHECKSUM";
        var version = found.HasCodec ? "22.1 or later" : "before 22.1";
        return $"{provider.Description} is a Tessera's of {version} with {rows} payloads: taken over as it stands. Columns {codec} and the "
            + $"tables {string.Join(", ", Ours)} were added, a Tessera can go back to it; new rows are "
            + $"{(found.HasCbor ? "CBOR" : "LEGACY")}, as its own (quorummesh.rowCodec)";
    }

    /// <summary>A database that an earlier version took for its own although the codec column was missing.</summary>
    public string? Complete()
    {
        _columns = null;
        if (Has(Payloads, Codec))
            return null;
        Require(Payloads, PayloadColumns, ["CHECKSUM"]);
        return TakeOver(new Found(false, false));
    }

    private ILookup<string, Column> Columns => _columns ??= session.Rows(provider.Columns)
        .Select(r => new Column(Text(r[0]).ToUpperInvariant(), Text(r[1]).ToUpperInvariant(), Text(r[2])))
        .ToLookup(c => c.Table);

    private static string Text(object value) => Convert.ToString(value, CultureInfo.InvariantCulture) ?? string.Empty;

    private bool Has(string table, string column) => Columns[table].Any(c => c.Name == column);

    private bool Exists(string from) => session.Count($"SELECT count(*) FROM (SELECT 1 FROM {from} LIMIT 1) AS found") > 0;

    private void Require(string table, string[] required, string[] optional)
    {
        string[] names = [.. Columns[table].Select(c => c.Name)];
        if (required.Except(names).FirstOrDefault() is { } missing)
            throw Refused($"its table {table} has no column {missing}, so it is none of a Tessera's that is known");
        if (names.Except(required).Except(optional).FirstOrDefault() is { } unknown)
            throw Refused($"its table {table} has a column {unknown}, which no Tessera that is known has");
        if (Columns[table].FirstOrDefault(c => c.Type.Equals("oid", StringComparison.OrdinalIgnoreCase)) is { } large)
            throw Refused($"the column {large.Name} of its table {table} holds large objects (oid); convert it to bytea");
    }

    private PrivacyException Refused(string why) =>
        new(Failure.StoreUnavailable, $"The payload store ({provider.Description}) cannot be used: {why}. Nothing was changed");

    /// <param name="HasCodec">The column came with 22.1.</param>
    /// <param name="HasCbor">Some rows are CBOR.</param>
    internal sealed record Found(bool HasCodec, bool HasCbor);

    private sealed record Column(string Table, string Name, string Type);
}
