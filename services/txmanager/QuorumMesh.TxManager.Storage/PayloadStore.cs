using System.Data.Common;
using System.Globalization;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Integrity;
using QuorumMesh.TxManager.Core.Ports;
using QuorumMesh.TxManager.Storage.Reading;
using QuorumMesh.TxManager.Storage.Writing;

namespace QuorumMesh.TxManager.Storage;

/// <param name="Sealed">Rows that got a checksum.</param>
/// <param name="More">Whether another step is worth it.</param>
public readonly record struct SealStep(int Sealed, bool More);

/// <summary>The payload store on a database: readers on pooled connections, one batching writer. Every row that is read is checked.</summary>
public sealed class PayloadStore : IPayloadStore, IDisposable
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(2);
    private static readonly string FindPayload = StoredRows.Select(RowKind.Payload) + " WHERE HASH = @p0";
    private static readonly string FindRaw = StoredRows.Select(RowKind.Raw) + " WHERE HASH = @p0";
    private static readonly string FindParticipation = StoredRows.Select(RowKind.Participation) + " WHERE HASH = @p0 LIMIT 1";
    private static readonly string ParticipationAfter = StoredRows.Select(RowKind.Participation) + " WHERE SEQ > @p0 ORDER BY SEQ LIMIT @p1";
    private const string NotedAfter =
        "SELECT t.HASH, (SELECT COUNT(*) FROM PARTICIPATION p WHERE p.HASH = t.HASH) AS NOTED"
        + " FROM (SELECT HASH FROM ENCRYPTED_TRANSACTION WHERE HASH > @p0 ORDER BY HASH LIMIT @p1) t ORDER BY t.HASH";
    private static readonly string NewestParticipations = StoredRows.Select(RowKind.Participation) + " ORDER BY SEQ DESC LIMIT 8";
    private static readonly string FirstPage = StoredRows.Select(RowKind.Payload) + " ORDER BY TIMESTAMP, HASH LIMIT @p0";
    private static readonly string NextPage =
        StoredRows.Select(RowKind.Payload) + " WHERE TIMESTAMP > @p0 OR (TIMESTAMP = @p0 AND HASH > @p1) ORDER BY TIMESTAMP, HASH LIMIT @p2";

    private readonly TimeProvider clock;
    private readonly StoreReader reader;
    private readonly BatchWriter writer;
    private readonly WriteProbe probe;
    private readonly DamageReport damage = new();
    private readonly string managerId;
    private TaskCompletionSource written = NewSignal();

    private PayloadStore(StoreProvider provider, TimeProvider clock, string managerId)
    {
        this.clock = clock;
        this.managerId = managerId;
        reader = new StoreReader(provider);
        writer = new BatchWriter(provider, SignalWritten);
        probe = new WriteProbe(writer, clock);
    }

    /// <summary>Writes that wait for their commit.</summary>
    public int WaitingWrites => writer.Waiting;

    /// <summary>Reads that found a row damaged.</summary>
    public long DamagedReads => damage.Count;

    /// <summary>A read found a row damaged; the message names its transaction. Called on the reader's thread.</summary>
    public event Action<string>? Damaged
    {
        add => damage.Found += value;
        remove => damage.Found -= value;
    }

    /// <summary>Opens the database, creating or migrating its schema.</summary>
    /// <exception cref="PrivacyException"><see cref="Failure.StoreUnavailable"/>, saying why.</exception>
    public static PayloadStore Open(StoreProvider provider, TimeProvider clock)
    {
        try
        {
            return new PayloadStore(provider, clock, StoreOpener.Open(provider));
        }
        catch (Exception e) when (e is DbException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            throw new StoreReader(provider).Unavailable(e);
        }
    }

    /// <returns>Null when the database answers and takes writes, else why not.</returns>
    public async Task<string?> ProbeAsync(CancellationToken cancel)
    {
        try
        {
            await reader.FirstAsync("SELECT 1 FROM METADATA LIMIT 1", cancel).ConfigureAwait(false);
            await probe.CheckAsync(cancel).ConfigureAwait(false);
            return null;
        }
        catch (PrivacyException e)
        {
            return e.Message;
        }
    }

    public async Task<EncodedPayload?> FindAsync(PayloadHash hash, CancellationToken cancel)
    {
        object?[]? row = await reader.FirstAsync(FindPayload, cancel, hash.ToArray()).ConfigureAwait(false);
        if (row is null)
        {
            return null;
        }

        EncodedPayload? payload = StoredRows.OpenPayload(row, out string? fault);
        return fault is null ? payload ?? throw StoredRows.UnknownCodec(row) : throw damage.Raise(RowKind.Payload, hash, fault);
    }

    public Task SaveAsync(
        PayloadHash hash, EncodedPayload payload, IReadOnlyList<Participation> participations, CancellationToken cancel) =>
        writer.WriteAsync(new SavePayload(hash, payload, participations, Now));

    public Task<bool> DeleteAsync(PayloadHash hash, CancellationToken cancel) => writer.WriteAsync(new DeletePayload(hash));

    public async Task<bool> IsPartyAsync(PayloadHash hash, CancellationToken cancel)
    {
        object?[]? row = await reader.FirstAsync(FindParticipation, cancel, hash.ToArray()).ConfigureAwait(false);
        if (row is null)
        {
            return false;
        }

        return StoredRows.Fault(RowKind.Participation, row) is { } fault ? throw damage.Raise(RowKind.Participation, hash, fault) : true;
    }

    public async Task<UnnotedPayloads> UnnotedAsync(byte[]? after, int count, CancellationToken cancel)
    {
        List<object?[]> rows = await reader.ListAsync(NotedAfter, cancel, after ?? [], count).ConfigureAwait(false);
        PayloadHash[] unnoted = [.. rows.Where(r => Convert.ToInt64(r[1], CultureInfo.InvariantCulture) == 0).Select(r => r[0]).OfType<byte[]>()
            .Where(h => h.Length == PayloadHash.Size).Select(h => new PayloadHash(h))];
        return new UnnotedPayloads(unnoted, rows.Count < count ? null : rows[^1][0] as byte[]);
    }

    public async Task<RawPayload?> FindRawAsync(PayloadHash hash, CancellationToken cancel)
    {
        object?[]? row = await reader.FirstAsync(FindRaw, cancel, hash.ToArray()).ConfigureAwait(false);
        if (row is null)
        {
            return null;
        }

        RawPayload? raw = StoredRows.OpenRaw(row, out string? fault);
        return fault is null ? raw : throw damage.Raise(RowKind.Raw, hash, fault);
    }

    public Task SaveRawAsync(PayloadHash hash, RawPayload raw, CancellationToken cancel) => writer.WriteAsync(new SaveRaw(hash, raw, Now));

    public async Task<PayloadPage> PageAsync(PayloadCursor? after, int count, CancellationToken cancel)
    {
        List<object?[]> rows = after is null
            ? await reader.ListAsync(FirstPage, cancel, count).ConfigureAwait(false)
            : await reader.ListAsync(NextPage, cancel, after.Timestamp, after.Hash.ToArray(), count).ConfigureAwait(false);
        StoredPayload[] payloads = [.. rows.Select(OpenOrNull)];
        if (rows.Count < count)
        {
            return new PayloadPage(payloads, null);
        }

        // The place is that of the row as it stands, damaged or not: it is where the database went on from.
        return rows[^1] is [byte[] { Length: PayloadHash.Size } hash, _, _, long timestamp, ..]
            ? new PayloadPage(payloads, new PayloadCursor(timestamp, new PayloadHash(hash)))
            : throw damage.Raise(RowKind.Payload, StoredRows.Hash(RowKind.Payload, rows[^1]), StoredRows.FormFault);
    }

    public async Task<IReadOnlyList<SequencedHash>> AvailableAfterAsync(long sequence, int count, CancellationToken cancel)
    {
        var available = new List<SequencedHash>();
        foreach (object?[] row in await reader.ListAsync(ParticipationAfter, cancel, sequence, count).ConfigureAwait(false))
        {
            PayloadHash? hash = StoredRows.Hash(RowKind.Participation, row);
            if (StoredRows.Fault(RowKind.Participation, row) is { } fault)
            {
                damage.RaiseOnce(RowKind.Participation, hash, fault);
            }
            else
            {
                sequence = (long)row[0]!;
            }

            if (hash is { } told)
            {
                available.Add(new SequencedHash(sequence, told));
            }
        }

        return available;
    }

    /// <summary>Seals some rows of older versions: to be called, with pauses, until there are no more. A kill loses one step at most.</summary>
    public async Task<SealStep> SealNextAsync()
    {
        var step = new SealRows();
        bool more = await writer.WriteAsync(step).ConfigureAwait(false);
        foreach ((RowKind kind, PayloadHash? hash, string fault) in step.Damaged)
        {
            damage.RaiseOnce(kind, hash, fault);
        }

        return new SealStep(step.Sealed, more);
    }

    /// <remarks>Take the task before the look: a write between look and wait is then not missed. Managers that share a database look again by time.</remarks>
    public async Task WaitForWriteAsync(CancellationToken cancel)
    {
        Task signal = Volatile.Read(ref written).Task;
        await Task.WhenAny(signal, Task.Delay(LookAgain, cancel)).ConfigureAwait(false);
        cancel.ThrowIfCancellationRequested();
    }

    public Task<string> ManagerIdAsync(CancellationToken cancel) => Task.FromResult(managerId);

    /// <remarks>A damaged record's own number may be wrong: the next one counts.</remarks>
    public async Task<long> WatermarkAsync(CancellationToken cancel)
    {
        List<object?[]> newest = await reader.ListAsync(NewestParticipations, cancel).ConfigureAwait(false);
        foreach (object?[] row in newest)
        {
            if (StoredRows.Fault(RowKind.Participation, row) is not { } fault)
            {
                return (long)row[0]!;
            }

            damage.RaiseOnce(RowKind.Participation, StoredRows.Hash(RowKind.Participation, row), fault);
        }

        return newest.Count == 0 ? 0 : throw damage.Raise(RowKind.Participation, null, "none of the newest records can be read");
    }

    public void Dispose() => writer.Dispose();

    /// <summary>Milliseconds since 1970.</summary>
    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private StoredPayload OpenOrNull(object?[] row)
    {
        PayloadHash? hash = StoredRows.Hash(RowKind.Payload, row);
        EncodedPayload? payload = StoredRows.OpenPayload(row, out string? fault);
        if (fault is not null)
        {
            damage.Raise(RowKind.Payload, hash, fault);
        }
        else if (payload is null)
        {
            throw StoredRows.UnknownCodec(row);
        }

        return new StoredPayload(hash, payload);
    }

    private void SignalWritten() => Interlocked.Exchange(ref written, NewSignal()).TrySetResult();
}
