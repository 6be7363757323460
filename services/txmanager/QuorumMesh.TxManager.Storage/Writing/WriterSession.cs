using System.Data;
using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using QuorumMesh.TxManager.Core.Integrity;
using QuorumMesh.TxManager.Core.Ports;
using QuorumMesh.TxManager.Storage.Model;
using QuorumMesh.TxManager.Storage.Reading;

namespace QuorumMesh.TxManager.Storage.Writing;

/// <summary>
/// The writer's connection. What every send, push, start and probe writes is a few prepared upserts, which fit both databases: EF's change
/// tracking takes 2.5 times the processor time on SQLite and knows no upsert, and the first of its contexts costs as much as a start.
/// docs/performance.md has the figures. Deletions and old rows' checksums go through EF.
/// </summary>
/// <remarks>
/// PostgreSQL gets those of all writes of a transaction in two messages, with the lock and the sequence numbers in the first: a round trip
/// for each statement would take several times as long as the statements do. A write that is alone goes without, for Npgsql sends the
/// statements of a batch from another thread, which takes longer than the round trips that it spares. SQLite has none.
/// </remarks>
internal sealed class WriterSession : IDisposable
{
    private readonly StoreProvider _provider;
    private readonly DbConnection _connection;
    private readonly DbCommand? _prologue;
    private readonly List<DbCommand> _commands = [];
    private readonly DbCommand _insertPayload;
    private readonly DbCommand _lockPayload;
    private readonly DbCommand _updatePayload;
    private readonly DbCommand _saveRaw;
    private readonly DbCommand _deleteParticipation;
    private readonly DbCommand _insertParticipation;
    private readonly DbCommand _reserveSequence;
    private readonly DbCommand _findMetadata;
    private readonly DbCommand _setMetadata;
    private PayloadContext? _context;
    private DbTransaction? _transaction;

    /// <summary>What is to be sent; null where statements run at once.</summary>
    private DbBatch? _batch;
    private int _expectedParticipations;
    private long _nextSequence;
    private long _lastSequence;

    public WriterSession(StoreProvider provider)
    {
        _provider = provider;
        _connection = provider.OpenWriter();
        // Not an update: boxes of recipients that came first would be lost. Who finds a row merges into it (BoxMerge).
        _insertPayload = Command(
            "INSERT INTO ENCRYPTED_TRANSACTION (HASH, ENCODED_PAYLOAD, PAYLOAD_CODEC, TIMESTAMP, CHECKSUM)"
            + " VALUES (@hash, @payload, @codec, @time, @checksum) ON CONFLICT (HASH) DO NOTHING",
            ("@hash", DbType.Binary), ("@payload", DbType.Binary), ("@codec", DbType.String), ("@time", DbType.Int64),
            ("@checksum", DbType.Binary));
        _lockPayload = Command($"{StoredRows.Select(RowKind.Payload)} WHERE HASH = @hash {provider.RowLock}", ("@hash", DbType.Binary));
        _updatePayload = Command(
            "UPDATE ENCRYPTED_TRANSACTION SET ENCODED_PAYLOAD = @payload, PAYLOAD_CODEC = @codec, TIMESTAMP = @time,"
            + " CHECKSUM = @checksum WHERE HASH = @hash",
            ("@payload", DbType.Binary), ("@codec", DbType.String), ("@time", DbType.Int64), ("@checksum", DbType.Binary),
            ("@hash", DbType.Binary));
        _saveRaw = Command(
            "INSERT INTO ENCRYPTED_RAW_TRANSACTION (HASH, ENCRYPTED_KEY, ENCRYPTED_PAYLOAD, NONCE, SENDER, TIMESTAMP, CHECKSUM)"
            + " VALUES (@hash, @key, @payload, @nonce, @sender, @time, @checksum) ON CONFLICT (HASH) DO UPDATE"
            + " SET ENCRYPTED_KEY = @key, ENCRYPTED_PAYLOAD = @payload, NONCE = @nonce, SENDER = @sender, TIMESTAMP = @time,"
            + " CHECKSUM = @checksum",
            ("@hash", DbType.Binary), ("@key", DbType.Binary), ("@payload", DbType.Binary), ("@nonce", DbType.Binary),
            ("@sender", DbType.Binary), ("@time", DbType.Int64), ("@checksum", DbType.Binary));
        _deleteParticipation = Command(
            "DELETE FROM PARTICIPATION WHERE HASH = @hash AND OWN_KEY = @key AND ROLE = @role",
            ("@hash", DbType.Binary), ("@key", DbType.Binary), ("@role", DbType.Int32));
        _insertParticipation = Command(
            "INSERT INTO PARTICIPATION (SEQ, HASH, OWN_KEY, ROLE, CHECKSUM) VALUES (@seq, @hash, @key, @role, @checksum)"
            + " ON CONFLICT (HASH, OWN_KEY, ROLE) DO NOTHING",
            ("@seq", DbType.Int64), ("@hash", DbType.Binary), ("@key", DbType.Binary), ("@role", DbType.Int32),
            ("@checksum", DbType.Binary));
        _reserveSequence = Command(provider.ReserveSequence, ("@count", DbType.Int32));
        _findMetadata = Command("SELECT VALUE FROM METADATA WHERE NAME = @name", ("@name", DbType.String));
        _setMetadata = Command(
            "INSERT INTO METADATA (NAME, VALUE) VALUES (@name, @value) ON CONFLICT (NAME) DO UPDATE SET VALUE = @value",
            ("@name", DbType.String), ("@value", DbType.String));
        _prologue = provider.BatchPrologue is { } prologue ? Command(prologue) : null;
    }

    /// <param name="writes">How many there are.</param>
    /// <param name="participations">How many participation records they may add.</param>
    public void Begin(int writes, int participations)
    {
        _expectedParticipations = participations;
        _nextSequence = 0;
        _lastSequence = -1;
        _transaction = _connection.BeginTransaction();
        foreach (var command in _commands)
            command.Transaction = _transaction;

        _batch = writes > 1 && _connection.CanCreateBatch ? NewBatch() : null;
        // The lock comes before any sequence number: a reader that goes on from a number must not have missed a smaller one.
        if (_prologue is not null)
            Run(_prologue);
        if (_batch is not null && participations > 0)
            Queue(_batch, _reserveSequence, participations);
    }

    /// <summary>Everything that waits is sent, and what comes after it can ask for its outcome.</summary>
    public void Send()
    {
        if (_batch is not { BatchCommands.Count: > 0 } batch)
            return;
        using (batch)
        using (var reader = batch.ExecuteReader())
            TakeSequence(reader);
        _batch = NewBatch();
    }

    /// <summary>Durable when it returns.</summary>
    public void Commit()
    {
        Send();
        _batch?.Dispose();
        _context?.Dispose();
        (_batch, _context) = (null, null);
        _transaction!.Commit();
        _transaction.Dispose();
        _transaction = null;
    }

    /// <returns>Without a change when the row was there already.</returns>
    public Sent InsertPayload(byte[] hash, byte[] payload, string? codec, long time, byte[] checksum) =>
        Run(_insertPayload, hash, payload, (object?)codec ?? DBNull.Value, time, checksum);

    /// <summary>The stored row, which stays as it is until the transaction ends.</summary>
    public object?[]? LockPayload(byte[] hash)
    {
        _lockPayload.Parameters[0].Value = hash;
        using var reader = _lockPayload.ExecuteReader();
        return reader.Read() ? StoredRows.Read(reader) : null;
    }

    public void UpdatePayload(byte[] hash, byte[] payload, string? codec, long time, byte[] checksum) =>
        Run(_updatePayload, payload, (object?)codec ?? DBNull.Value, time, checksum, hash);

    public bool DeletePayload(byte[] hash) => Context.Transactions.Where(r => r.Hash == hash).ExecuteDelete() > 0;

    public void SaveRaw(byte[] hash, byte[] key, byte[] payload, byte[] nonce, byte[] sender, long time, byte[] checksum) =>
        Run(_saveRaw, hash, key, payload, nonce, sender, time, checksum);

    /// <param name="replaces">Whether a row that is there gets the data; else it stays.</param>
    public void SaveGroup(byte[] id, byte[] lookupId, byte[] data, long time, bool replaces) => RunOnce(
        "INSERT INTO PRIVACY_GROUP (ID, LOOKUP_ID, DATA, TIMESTAMP) VALUES (@id, @lookup, @data, @time)"
            + (replaces ? " ON CONFLICT (ID) DO UPDATE SET DATA = @data, TIMESTAMP = @time" : " ON CONFLICT (ID) DO NOTHING"),
        ("@id", id), ("@lookup", lookupId), ("@data", data), ("@time", time));

    /// <remarks>A serial never goes back.</remarks>
    public void SaveIdentity(byte[] identity, long serial) => RunOnce(
        "INSERT INTO PEER_IDENTITY (IDENTITY, SERIAL) VALUES (@identity, @serial) ON CONFLICT (IDENTITY) DO UPDATE SET SERIAL = @serial"
            + " WHERE PEER_IDENTITY.SERIAL < @serial",
        ("@identity", identity), ("@serial", serial));

    /// <summary>A row of another identity, of a later serial, or of a key that is revoked (3) and is not any more, stays.</summary>
    public void SavePin(byte[] key, byte[] identity, int state, byte[]? successor, long since, long serial) => RunOnce(
        "INSERT INTO KEY_PIN (PUBLIC_KEY, IDENTITY, STATE, SUCCESSOR, SINCE) VALUES (@key, @identity, @state, @successor, @since)"
            + " ON CONFLICT (PUBLIC_KEY) DO UPDATE SET STATE = @state, SUCCESSOR = @successor WHERE KEY_PIN.IDENTITY = @identity"
            + " AND (KEY_PIN.STATE <> 3 OR @state = 3)"
            + " AND NOT EXISTS (SELECT 1 FROM PEER_IDENTITY WHERE PEER_IDENTITY.IDENTITY = @identity AND PEER_IDENTITY.SERIAL > @serial)",
        ("@key", key), ("@identity", identity), ("@state", state), ("@successor", successor), ("@since", since), ("@serial", serial));

    /// <returns>Whether there was one.</returns>
    public bool DeletePin(byte[] key) => RunOnce("DELETE FROM KEY_PIN WHERE PUBLIC_KEY = @key", ("@key", key)) > 0;

    /// <summary>Prepared by nobody: what is written seldom.</summary>
    /// <returns>Rows that it changed.</returns>
    private int RunOnce(string text, params ReadOnlySpan<(string Name, object? Value)> values)
    {
        using var command = _connection.CreateCommand();
        command.Transaction = _transaction;
        command.CommandText = text;
        foreach (var (name, value) in values)
        {
            var parameter = command.CreateParameter();
            parameter.ParameterName = name;
            if (value is null)
                parameter.DbType = DbType.Binary;
            parameter.Value = value ?? DBNull.Value;
            command.Parameters.Add(parameter);
        }

        return command.ExecuteNonQuery();
    }

    public void DeleteParticipation(byte[] hash, byte[] key, int role) => Run(_deleteParticipation, hash, key, role);

    /// <summary>
    /// Adds a record that is not there yet. Its sequence number is given here, not by the database, because the checksum covers it. One
    /// that is there already may cost a number.
    /// </summary>
    public void InsertParticipation(byte[] hash, byte[] key, int role)
    {
        if (_nextSequence > _lastSequence)
        {
            var count = Math.Max(1, _expectedParticipations);
            _reserveSequence.Parameters[0].Value = count;
            _lastSequence = (long)_reserveSequence.ExecuteScalar()!;
            _nextSequence = _lastSequence - count + 1;
        }

        var checksum = RowChecksum.Of(RowKind.Participation, _nextSequence, hash, key, role);
        Run(_insertParticipation, _nextSequence, hash, key, role, checksum);
        _nextSequence++;
    }

    /// <returns>Null when it was never set.</returns>
    public string? FindMetadata(string name)
    {
        _findMetadata.Parameters[0].Value = name;
        return (string?)_findMetadata.ExecuteScalar();
    }

    /// <summary>A list of receipts and its payloads, in two statements: they come by the hundred, and each would be a round trip.</summary>
    public void SaveReceipts(byte[] id, byte[] body, IReadOnlyList<(byte[] Hash, byte[] Recipient)> payloads)
    {
        RunOnce("INSERT INTO RECEIPT_LIST (ID, BODY) VALUES (@id, @body) ON CONFLICT (ID) DO NOTHING", ("@id", id), ("@body", body));
        var rows = string.Join(", ", Enumerable.Range(0, payloads.Count).Select(i => $"(@hash{i}, @recipient{i}, @id)"));
        RunOnce($"INSERT INTO RECEIPT (HASH, RECIPIENT, LIST) VALUES {rows} ON CONFLICT (HASH, RECIPIENT) DO NOTHING",
            [("@id", id), .. payloads.SelectMany(Parameters)]);

        static (string, object?)[] Parameters((byte[] Hash, byte[] Recipient) payload, int i) =>
            [($"@hash{i}", payload.Hash), ($"@recipient{i}", payload.Recipient)];
    }

    public void SetMetadata(string name, string value) => Run(_setMetadata, name, value);

    /// <summary>The next rows in the order of their keys.</summary>
    /// <param name="maxBytes">The row that passes this is the last.</param>
    public List<object?[]> RowsAfter(RowKind kind, object key, int count, int maxBytes)
    {
        using var command = Context.After(kind, key, count).CreateDbCommand();
        using var reader = command.ExecuteReader();
        var rows = new List<object?[]>();
        long bytes = 0;
        while (bytes < maxBytes && reader.Read())
        {
            var row = StoredRows.Read(reader);
            bytes += row.Sum(c => (c as byte[])?.Length ?? 16);
            rows.Add(row);
        }

        return rows;
    }

    /// <param name="key">A hash, or of a participation record its sequence number.</param>
    public void SetChecksum(RowKind kind, object key, byte[] checksum)
    {
        switch (key)
        {
            case byte[] hash when kind == RowKind.Payload:
                Context.Transactions.Where(r => r.Hash == hash).ExecuteUpdate(s => s.SetProperty(r => r.Checksum, checksum));
                break;
            case byte[] hash:
                Context.RawTransactions.Where(r => r.Hash == hash).ExecuteUpdate(s => s.SetProperty(r => r.Checksum, checksum));
                break;
            case long sequence:
                Context.Participations.Where(r => r.Seq == sequence).ExecuteUpdate(s => s.SetProperty(r => r.Checksum, checksum));
                break;
        }
    }

    public void Dispose()
    {
        foreach (var command in _commands)
            command.Dispose();

        _batch?.Dispose();
        _context?.Dispose();
        _transaction?.Dispose();
        _connection.Dispose();
    }

    /// <summary>A context inside the transaction, for what is asked seldom.</summary>
    private PayloadContext Context
    {
        get
        {
            if (_context is null)
            {
                _context = _provider.On(_connection);
                _context.Database.UseTransaction(_transaction);
            }

            return _context;
        }
    }

    /// <summary>Now, or with the next message.</summary>
    private Sent Run(DbCommand command, params ReadOnlySpan<object> values)
    {
        if (_batch is not null)
            return new Sent(Queue(_batch, command, values), 0);
        for (var i = 0; i < values.Length; i++)
            command.Parameters[i].Value = values[i];

        return new Sent(null, command.ExecuteNonQuery());
    }

    private DbBatch NewBatch()
    {
        var batch = _connection.CreateBatch();
        batch.Transaction = _transaction;
        return batch;
    }

    private static DbBatchCommand Queue(DbBatch batch, DbCommand command, params ReadOnlySpan<object> values)
    {
        var queued = batch.CreateBatchCommand();
        queued.CommandText = command.CommandText;
        for (var i = 0; i < values.Length; i++)
        {
            var parameter = queued.CreateParameter();
            (parameter.ParameterName, parameter.DbType) = (command.Parameters[i].ParameterName, command.Parameters[i].DbType);
            parameter.Value = values[i];
            queued.Parameters.Add(parameter);
        }

        batch.BatchCommands.Add(queued);
        return queued;
    }

    /// <summary>Of the statements that are sent together, the lock answers with a row first, and the sequence with the next.</summary>
    private void TakeSequence(DbDataReader reader)
    {
        do
        {
            if (!reader.Read() || reader.GetValue(0) is not long last)
                continue;
            (_nextSequence, _lastSequence) = (last - _expectedParticipations + 1, last);
        }
        while (reader.NextResult());
    }

    private DbCommand Command(string text, params (string Name, DbType Type)[] parameters)
    {
        var command = _connection.CreateCommand();
        command.CommandText = text;
        foreach (var (name, type) in parameters)
        {
            var parameter = command.CreateParameter();
            parameter.ParameterName = name;
            parameter.DbType = type;
            command.Parameters.Add(parameter);
        }

        _commands.Add(command);
        command.Prepare();
        return command;
    }

    /// <summary>A statement that was sent, or is to be.</summary>
    public sealed class Sent(DbBatchCommand? queued, int changed)
    {
        /// <summary>Whether it changed a row; to be asked after <see cref="Send"/>.</summary>
        public bool HasChanged => (queued?.RecordsAffected ?? changed) > 0;
    }
}
