using System.Data.Common;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core;

namespace QuorumMesh.TxManager.Storage;

/// <summary>The payload store on EF Core: readers on pooled connections, one batching writer.</summary>
public sealed class PayloadStore : IPayloadStore, IDisposable
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(2);

    private readonly StoreProvider provider;
    private readonly Lazy<PooledDbContextFactory<PayloadDbContext>> contexts;
    private readonly BatchWriter writer;
    private readonly string managerId;
    private TaskCompletionSource written = NewSignal();
    private long damaged;

    private PayloadStore(StoreProvider provider, TimeProvider clock, string managerId)
    {
        this.provider = provider;
        this.managerId = managerId;
        contexts = new Lazy<PooledDbContextFactory<PayloadDbContext>>(() => CreateContexts(provider));
        writer = new BatchWriter(provider, clock, SignalWritten);
    }

    /// <summary>Writes that wait for their commit.</summary>
    public int WaitingWrites => writer.Waiting;

    /// <summary>Reads that found a payload damaged.</summary>
    public long DamagedReads => Interlocked.Read(ref damaged);

    /// <summary>A read found this payload damaged. Called on the reader's thread.</summary>
    public event Action<PayloadHash>? Damaged;

    /// <summary>Opens the database, creating or migrating its schema.</summary>
    /// <exception cref="PrivacyException"><see cref="Failure.StoreUnavailable"/>, saying why.</exception>
    public static PayloadStore Open(StoreProvider provider, TimeProvider clock)
    {
        try
        {
            return new PayloadStore(provider, clock, StoreOpener.Open(provider));
        }
        catch (Exception e) when (e is DbException or DbUpdateException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            throw Unavailable(provider, e);
        }
    }

    /// <returns>Null when the database answers, else why not.</returns>
    public async Task<string?> ProbeAsync(CancellationToken cancel)
    {
        try
        {
            DbConnection connection = provider.CreateReader();
            await using (connection.ConfigureAwait(false))
            {
                await connection.OpenAsync(cancel).ConfigureAwait(false);
                DbCommand command = connection.CreateCommand();
                await using (command.ConfigureAwait(false))
                {
                    command.CommandText = "SELECT 1 FROM METADATA LIMIT 1";
                    await command.ExecuteScalarAsync(cancel).ConfigureAwait(false);
                    return null;
                }
            }
        }
        catch (DbException e)
        {
            return Unavailable(provider, e).Message;
        }
    }

    public Task<EncodedPayload?> FindAsync(PayloadHash hash, CancellationToken cancel) => QueryAsync(
        "SELECT ENCODED_PAYLOAD, PAYLOAD_CODEC FROM ENCRYPTED_TRANSACTION WHERE HASH = @p0",
        row => Open(hash, (byte[])row[0], row[1] as string),
        cancel, hash.ToArray());

    public Task SaveAsync(
        PayloadHash hash, EncodedPayload payload, IReadOnlyList<Participation> participations, CancellationToken cancel) =>
        writer.WriteAsync(new SavePayload(hash, LegacyPayloadCodec.Encode(payload), participations));

    public Task<bool> DeleteAsync(PayloadHash hash, CancellationToken cancel) => writer.WriteAsync(new DeletePayload(hash));

    public async Task<bool> IsPartyAsync(PayloadHash hash, CancellationToken cancel) => await QueryAsync(
        "SELECT HASH FROM PARTICIPATION WHERE HASH = @p0 LIMIT 1", row => row[0], cancel, hash.ToArray()).ConfigureAwait(false) is not null;

    public Task<RawPayload?> FindRawAsync(PayloadHash hash, CancellationToken cancel) => QueryAsync(
        "SELECT ENCRYPTED_PAYLOAD, ENCRYPTED_KEY, NONCE, SENDER FROM ENCRYPTED_RAW_TRANSACTION WHERE HASH = @p0",
        row => OpenRaw(hash, row),
        cancel, hash.ToArray());

    public Task SaveRawAsync(PayloadHash hash, RawPayload raw, CancellationToken cancel) => writer.WriteAsync(new SaveRaw(hash, new RawTransactionRow
    {
        Hash = hash.ToArray(),
        EncryptedKey = raw.EncryptedKey,
        EncryptedPayload = raw.CipherText,
        Nonce = raw.Nonce,
        Sender = raw.SenderKey.ToArray(),
    }));

    public Task<IReadOnlyList<StoredPayload>> PageAsync(PayloadCursor? after, int count, CancellationToken cancel) => ReadAsync(async db =>
    {
        // Bytes have no ">" in LINQ; unquoted names fit both databases.
        const string Select = "SELECT HASH, ENCODED_PAYLOAD, PAYLOAD_CODEC, TIMESTAMP FROM ENCRYPTED_TRANSACTION";
        IQueryable<TransactionRow> query = after is null
            ? db.Transactions.FromSqlRaw(Select + " ORDER BY TIMESTAMP, HASH LIMIT {0}", count)
            : db.Transactions.FromSqlRaw(
                Select + " WHERE TIMESTAMP > {0} OR (TIMESTAMP = {0} AND HASH > {1}) ORDER BY TIMESTAMP, HASH LIMIT {2}",
                after.Timestamp, after.Hash.ToArray(), count);
        List<TransactionRow> rows = await query.AsNoTracking().ToListAsync(cancel).ConfigureAwait(false);
        return (IReadOnlyList<StoredPayload>)[.. rows.Select(r => new StoredPayload(new PayloadHash(r.Hash), OpenOrNull(new PayloadHash(r.Hash), r.EncodedPayload, r.PayloadCodec), r.Timestamp))];
    }, cancel);

    public async Task<IReadOnlyList<SequencedHash>> AvailableAfterAsync(long sequence, int count, CancellationToken cancel) => await ListAsync(
        "SELECT SEQ, HASH FROM PARTICIPATION WHERE SEQ > @p0 ORDER BY SEQ LIMIT @p1",
        row => new SequencedHash(row.GetInt64(0), new PayloadHash((byte[])row[1])),
        cancel, sequence, count).ConfigureAwait(false);

    /// <remarks>Take the task before the look: a write between look and wait is then not missed. Managers that share a database look again by time.</remarks>
    public async Task WaitForWriteAsync(CancellationToken cancel)
    {
        Task signal = Volatile.Read(ref written).Task;
        await Task.WhenAny(signal, Task.Delay(LookAgain, cancel)).ConfigureAwait(false);
        cancel.ThrowIfCancellationRequested();
    }

    public Task<string> ManagerIdAsync(CancellationToken cancel) => Task.FromResult(managerId);

    public void Dispose() => writer.Dispose();

    private static PooledDbContextFactory<PayloadDbContext> CreateContexts(StoreProvider provider)
    {
        var options = new DbContextOptionsBuilder<PayloadDbContext>();
        provider.Configure(options);
        return new PooledDbContextFactory<PayloadDbContext>(options.Options, poolSize: 32);
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private static PrivacyException Unavailable(StoreProvider provider, Exception e) =>
        new(Failure.StoreUnavailable, $"The payload store ({provider.Description}) is not available: {e.GetBaseException().Message}", e);

    /// <exception cref="PrivacyException"><see cref="Failure.Damaged"/>: the bytes are no payload, or their ciphertext is not the one of the hash.</exception>
    private EncodedPayload Open(PayloadHash hash, byte[] encoded, string? codec)
    {
        if (codec is not (null or PayloadDbContext.LegacyCodec))
        {
            throw new PrivacyException(Failure.InvalidPayload, $"The payload is stored with the codec {codec}, which this version cannot read");
        }

        try
        {
            EncodedPayload payload = LegacyPayloadCodec.Decode(encoded);
            return payload.ComputeHash().Equals(hash) ? payload : throw Damage(hash, null);
        }
        catch (WireFormatException e)
        {
            throw Damage(hash, e);
        }
    }

    private EncodedPayload? OpenOrNull(PayloadHash hash, byte[] encoded, string? codec)
    {
        try
        {
            return Open(hash, encoded, codec);
        }
        catch (PrivacyException e) when (e.Failure == Failure.Damaged)
        {
            return null;
        }
    }

    private RawPayload OpenRaw(PayloadHash hash, DbDataReader row)
    {
        var sender = (byte[])row[3];
        if (sender.Length is 0 or > PublicKey.MaxSize || !Sha3.HashPayload((byte[])row[0]).Equals(hash))
        {
            throw Damage(hash, null);
        }

        return new RawPayload((byte[])row[0], (byte[])row[1], (byte[])row[2], new PublicKey(sender));
    }

    private PrivacyException Damage(PayloadHash hash, Exception? inner)
    {
        Interlocked.Increment(ref damaged);
        Damaged?.Invoke(hash);
        return new PrivacyException(
            Failure.Damaged, $"The payload stored with hash {hash.ToBase64()} is damaged: have a party send it again (resend), or restore the database from a backup", inner);
    }

    private void SignalWritten() => Interlocked.Exchange(ref written, NewSignal()).TrySetResult();

    private async Task<T?> QueryAsync<T>(string sql, Func<DbDataReader, T> read, CancellationToken cancel, params object[] values)
        where T : class =>
        (await ListAsync(sql, read, cancel, values).ConfigureAwait(false)).FirstOrDefault();

    /// <summary>Plain look-ups by key: the node waits for these, and a manager that only answers them never loads EF.</summary>
    private async Task<List<T>> ListAsync<T>(string sql, Func<DbDataReader, T> read, CancellationToken cancel, params object[] values)
    {
        try
        {
            using DbConnection connection = provider.CreateReader();
            await connection.OpenAsync(cancel).ConfigureAwait(false);
            using DbCommand command = connection.CreateCommand();
            command.CommandText = sql;
            for (int i = 0; i < values.Length; i++)
            {
                DbParameter parameter = command.CreateParameter();
                parameter.ParameterName = $"@p{i}";
                parameter.Value = values[i];
                command.Parameters.Add(parameter);
            }

            using DbDataReader reader = await command.ExecuteReaderAsync(cancel).ConfigureAwait(false);
            var found = new List<T>();
            while (await reader.ReadAsync(cancel).ConfigureAwait(false))
            {
                found.Add(read(reader));
            }

            return found;
        }
        catch (DbException e)
        {
            throw Unavailable(provider, e);
        }
    }

    private async Task<T> ReadAsync<T>(Func<PayloadDbContext, Task<T>> read, CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        try
        {
            PayloadDbContext db = contexts.Value.CreateDbContext();
            await using (db.ConfigureAwait(false))
            {
                return await read(db).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is DbException or DbUpdateException or InvalidOperationException { InnerException: DbException })
        {
            throw Unavailable(provider, e);
        }
    }
}
