namespace QuorumMesh.TxManager.Storage.Model;

/// <summary>Tessera's ENCRYPTED_TRANSACTION (tessera 7.6).</summary>
public sealed class TransactionRow
{
    public required byte[] Hash { get; set; }

    public required byte[] EncodedPayload { get; set; }

    /// <summary>LEGACY, CBOR, or null for LEGACY; a row of another codec is refused when read.</summary>
    public string? PayloadCodec { get; set; }

    /// <summary>Milliseconds since 1970 when it was stored, or repaired.</summary>
    public long Timestamp { get; set; }

    /// <summary>Ours: <see cref="Core.Integrity.RowChecksum"/> over the other columns; null in a row that was not given one yet.</summary>
    public byte[]? Checksum { get; set; }
}

/// <summary>Tessera's ENCRYPTED_RAW_TRANSACTION.</summary>
public sealed class RawTransactionRow
{
    public required byte[] Hash { get; set; }

    public required byte[] EncryptedKey { get; set; }

    public required byte[] EncryptedPayload { get; set; }

    public required byte[] Nonce { get; set; }

    public required byte[] Sender { get; set; }

    public long Timestamp { get; set; }

    /// <summary>Ours: <see cref="Core.Integrity.RowChecksum"/> over the other columns; null in a row that was not given one yet.</summary>
    public byte[]? Checksum { get; set; }
}

/// <summary>Ours: one of our keys takes part in a transaction. Outlives the payload.</summary>
public sealed class ParticipationRow
{
    /// <summary>Grows with every payload that became available.</summary>
    public long Seq { get; set; }

    public required byte[] Hash { get; set; }

    public required byte[] OwnKey { get; set; }

    /// <summary>1 sender, 2 recipient.</summary>
    public int Role { get; set; }

    /// <summary>Ours: <see cref="Core.Integrity.RowChecksum"/> over the other columns; null in a row that was not given one yet.</summary>
    public byte[]? Checksum { get; set; }
}

/// <summary>Ours: facts about the store itself.</summary>
public sealed class MetadataRow
{
    public const string ManagerId = "managerId";

    /// <summary>How far rows of older versions have their checksums; the value is on disk.</summary>
    public const string ChecksumPlace = "sealing";

    /// <summary>What <see cref="ChecksumPlace"/> says when all have theirs.</summary>
    public const string ChecksumsDone = "done";

    /// <summary>Set in a database that was a Tessera's: which form its table had.</summary>
    public const string TakenOver = "takenOver";

    /// <summary>CBOR where the rows were CBOR when the database was taken over.</summary>
    public const string RowCodec = "rowCodec";

    /// <summary>When the store was last seen to take writes, in milliseconds since 1970.</summary>
    public const string Probe = "probe";

    /// <summary>The serial of the last announcement that our enclave's identity made of its keys.</summary>
    public const string OwnSerial = "identitySerial";

    /// <summary>
    /// Before the hash of a key that an operator has accepted; the value is its identity's serial by then, a blank, and the key.
    /// </summary>
    public const string Accepted = "accepted:";

    public required string Name { get; set; }

    public required string Value { get; set; }
}
