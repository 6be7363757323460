using System.Data;
using System.Data.Common;

namespace QuorumMesh.TxManager.Storage;

/// <summary>
/// The writer's connection with its prepared statements. Plain statements instead of EF's change tracking: a write is then a few upserts,
/// a tenth of the processor time. They fit both databases.
/// </summary>
internal sealed class WriterSession : IDisposable
{
    private readonly DbConnection connection;
    private readonly string? prologue;
    private readonly List<DbCommand> commands = [];
    private readonly DbCommand insertPayload;
    private readonly DbCommand updatePayload;
    private readonly DbCommand deletePayload;
    private readonly DbCommand insertRaw;
    private readonly DbCommand deleteParticipation;
    private readonly DbCommand insertParticipation;
    private DbTransaction? transaction;

    public WriterSession(StoreProvider provider)
    {
        connection = provider.OpenWriter();
        prologue = provider.BatchPrologue;
        insertPayload = Command(
            "INSERT INTO ENCRYPTED_TRANSACTION (HASH, ENCODED_PAYLOAD, PAYLOAD_CODEC, TIMESTAMP) VALUES (@hash, @payload, 'LEGACY', @time) ON CONFLICT (HASH) DO NOTHING",
            ("@hash", DbType.Binary), ("@payload", DbType.Binary), ("@time", DbType.Int64));
        updatePayload = Command(
            "UPDATE ENCRYPTED_TRANSACTION SET ENCODED_PAYLOAD = @payload, PAYLOAD_CODEC = 'LEGACY' WHERE HASH = @hash",
            ("@payload", DbType.Binary), ("@hash", DbType.Binary));
        deletePayload = Command("DELETE FROM ENCRYPTED_TRANSACTION WHERE HASH = @hash", ("@hash", DbType.Binary));
        insertRaw = Command(
            "INSERT INTO ENCRYPTED_RAW_TRANSACTION (HASH, ENCRYPTED_KEY, ENCRYPTED_PAYLOAD, NONCE, SENDER, TIMESTAMP)"
            + " VALUES (@hash, @key, @payload, @nonce, @sender, @time) ON CONFLICT (HASH) DO NOTHING",
            ("@hash", DbType.Binary), ("@key", DbType.Binary), ("@payload", DbType.Binary), ("@nonce", DbType.Binary), ("@sender", DbType.Binary),
            ("@time", DbType.Int64));
        deleteParticipation = Command(
            "DELETE FROM PARTICIPATION WHERE HASH = @hash AND OWN_KEY = @key AND ROLE = @role",
            ("@hash", DbType.Binary), ("@key", DbType.Binary), ("@role", DbType.Int32));
        insertParticipation = Command(
            "INSERT INTO PARTICIPATION (HASH, OWN_KEY, ROLE) VALUES (@hash, @key, @role) ON CONFLICT (HASH, OWN_KEY, ROLE) DO NOTHING",
            ("@hash", DbType.Binary), ("@key", DbType.Binary), ("@role", DbType.Int32));
    }

    public void Begin()
    {
        transaction = connection.BeginTransaction();
        foreach (DbCommand command in commands)
        {
            command.Transaction = transaction;
        }

        if (prologue is not null)
        {
            using DbCommand command = connection.CreateCommand();
            command.Transaction = transaction;
            command.CommandText = prologue;
            command.ExecuteNonQuery();
        }
    }

    /// <summary>Durable when it returns.</summary>
    public void Commit()
    {
        transaction!.Commit();
        transaction.Dispose();
        transaction = null;
    }

    /// <returns>False when the row was there already.</returns>
    public bool InsertPayload(byte[] hash, byte[] payload, long time) => Run(insertPayload, hash, payload, time) > 0;

    public void UpdatePayload(byte[] hash, byte[] payload) => Run(updatePayload, payload, hash);

    public bool DeletePayload(byte[] hash) => Run(deletePayload, hash) > 0;

    public bool InsertRaw(RawTransactionRow row, long time) =>
        Run(insertRaw, row.Hash, row.EncryptedKey, row.EncryptedPayload, row.Nonce, row.Sender, time) > 0;

    public void DeleteParticipation(byte[] hash, byte[] key, int role) => Run(deleteParticipation, hash, key, role);

    public void InsertParticipation(byte[] hash, byte[] key, int role) => Run(insertParticipation, hash, key, role);

    public void Dispose()
    {
        foreach (DbCommand command in commands)
        {
            command.Dispose();
        }

        transaction?.Dispose();
        connection.Dispose();
    }

    private static int Run(DbCommand command, params ReadOnlySpan<object> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            command.Parameters[i].Value = values[i];
        }

        return command.ExecuteNonQuery();
    }

    private DbCommand Command(string text, params (string Name, DbType Type)[] parameters)
    {
        DbCommand command = connection.CreateCommand();
        command.CommandText = text;
        foreach ((string name, DbType type) in parameters)
        {
            DbParameter parameter = command.CreateParameter();
            parameter.ParameterName = name;
            parameter.DbType = type;
            command.Parameters.Add(parameter);
        }

        commands.Add(command);
        command.Prepare();
        return command;
    }
}
