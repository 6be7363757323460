using System.Data;
using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Storage;
using QuorumMesh.TxManager.Core.Integrity;
using QuorumMesh.TxManager.Core.Ports;
using QuorumMesh.TxManager.Storage.Model;
using QuorumMesh.TxManager.Storage.Reading;

namespace QuorumMesh.TxManager.Storage.Writing;

/// <summary>
/// The writer's context. What every send and push writes is a few prepared upserts on its connection, which fit both databases: EF's change
/// tracking takes 2.5 times the processor time on SQLite and knows no upsert. docs/performance.md has the figures.
/// </summary>
internal sealed class WriterSession : IDisposable
{
    private readonly PayloadContext _db;
    private readonly DbConnection _connection;
    private readonly string? _prologue;
    private readonly List<DbCommand> _commands = [];
    private readonly DbCommand _insertPayload;
    private readonly DbCommand _lockPayload;
    private readonly DbCommand _updatePayload;
    private readonly DbCommand _saveRaw;
    private readonly DbCommand _deleteParticipation;
    private readonly DbCommand _insertParticipation;
    private readonly DbCommand _reserveSequence;
    private IDbContextTransaction? _transaction;
    private int _expectedParticipations;
    private long _nextSequence;
    private long _lastSequence;

    public WriterSession(StoreProvider provider)
    {
        _db = provider.OpenWriter();
        _db.Database.AutoSavepointsEnabled = false;
        _connection = _db.Database.GetDbConnection();
        _prologue = provider.BatchPrologue;
        _insertPayload = Command(
            "INSERT INTO ENCRYPTED_TRANSACTION (HASH, ENCODED_PAYLOAD, PAYLOAD_CODEC, TIMESTAMP, CHECKSUM)"
            + " VALUES (@hash, @payload, 'LEGACY', @time, @checksum) ON CONFLICT (HASH) DO NOTHING",
            ("@hash", DbType.Binary), ("@payload", DbType.Binary), ("@time", DbType.Int64), ("@checksum", DbType.Binary));
        _lockPayload = Command($"{StoredRows.Select(RowKind.Payload)} WHERE HASH = @hash {provider.RowLock}", ("@hash", DbType.Binary));
        _updatePayload = Command(
            "UPDATE ENCRYPTED_TRANSACTION SET ENCODED_PAYLOAD = @payload, PAYLOAD_CODEC = 'LEGACY', TIMESTAMP = @time,"
            + " CHECKSUM = @checksum WHERE HASH = @hash",
            ("@payload", DbType.Binary), ("@time", DbType.Int64), ("@checksum", DbType.Binary), ("@hash", DbType.Binary));
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
    }

    /// <param name="participations">How many participation records the transaction may add.</param>
    public void Begin(int participations)
    {
        _expectedParticipations = participations;
        _nextSequence = 0;
        _lastSequence = -1;
        _transaction = _db.Database.BeginTransaction();
        foreach (var command in _commands)
            command.Transaction = _transaction.GetDbTransaction();

        if (_prologue is not null)
            _db.Database.ExecuteSqlRaw(_prologue);
    }

    /// <summary>Durable when it returns.</summary>
    public void Commit()
    {
        _transaction!.Commit();
        _transaction.Dispose();
        _transaction = null;
    }

    /// <returns>False when the row was there already.</returns>
    public bool InsertPayload(byte[] hash, byte[] payload, long time, byte[] checksum) =>
        Run(_insertPayload, hash, payload, time, checksum) > 0;

    /// <summary>The stored row, which stays as it is until the transaction ends.</summary>
    public object?[]? LockPayload(byte[] hash)
    {
        _lockPayload.Parameters[0].Value = hash;
        using var reader = _lockPayload.ExecuteReader();
        return reader.Read() ? StoredRows.Read(reader) : null;
    }

    public void UpdatePayload(byte[] hash, byte[] payload, long time, byte[] checksum) =>
        Run(_updatePayload, payload, time, checksum, hash);

    public bool DeletePayload(byte[] hash) => _db.Transactions.Where(r => r.Hash == hash).ExecuteDelete() > 0;

    public bool SaveRaw(byte[] hash, byte[] key, byte[] payload, byte[] nonce, byte[] sender, long time, byte[] checksum) =>
        Run(_saveRaw, hash, key, payload, nonce, sender, time, checksum) > 0;

    public void DeleteParticipation(byte[] hash, byte[] key, int role) => Run(_deleteParticipation, hash, key, role);

    /// <summary>
    /// Adds a record that is not there yet. Its sequence number is given here, not by the database, because the checksum covers it.
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
        if (Run(_insertParticipation, _nextSequence, hash, key, role, checksum) > 0)
            _nextSequence++;
    }

    public string? FindMetadata(string name) => _db.FindMetadata(name);

    public void SetMetadata(string name, string value) => _db.SetMetadata(name, value);

    /// <summary>The next rows in the order of their keys.</summary>
    /// <param name="maxBytes">The row that passes this is the last.</param>
    public List<object?[]> RowsAfter(RowKind kind, object key, int count, int maxBytes)
    {
        using var command = _db.After(kind, key, count).CreateDbCommand();
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
                _db.Transactions.Where(r => r.Hash == hash).ExecuteUpdate(s => s.SetProperty(r => r.Checksum, checksum));
                break;
            case byte[] hash:
                _db.RawTransactions.Where(r => r.Hash == hash).ExecuteUpdate(s => s.SetProperty(r => r.Checksum, checksum));
                break;
            case long sequence:
                _db.Participations.Where(r => r.Seq == sequence).ExecuteUpdate(s => s.SetProperty(r => r.Checksum, checksum));
                break;
        }
    }

    public void Dispose()
    {
        foreach (var command in _commands)
            command.Dispose();

        _transaction?.Dispose();
        _db.Dispose();
    }

    private static int Run(DbCommand command, params ReadOnlySpan<object> values)
    {
        for (var i = 0; i < values.Length; i++)
            command.Parameters[i].Value = values[i];

        return command.ExecuteNonQuery();
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
}
