using System.Data.Common;
using System.Globalization;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Integrity;
using QuorumMesh.TxManager.Core.Ports;
using QuorumMesh.TxManager.Storage.Model;
using QuorumMesh.TxManager.Storage.Reading;
using QuorumMesh.TxManager.Storage.Writing;

namespace QuorumMesh.TxManager.Storage;

/// <param name="Added">Rows that got a checksum.</param>
/// <param name="More">Whether another step is worth it.</param>
public readonly record struct ChecksumStep(int Added, bool More);

/// <summary>
/// The payload store on a database: readers on pooled connections, one batching writer. Every row that is read is checked.
/// </summary>
public sealed partial class PayloadStore : IPayloadStore, IGroupStore, IIdentityStore, IReceiptStore, IDisposable
{
    /// <summary>Payloads of one page, of which a longer one is alone.</summary>
    private const int MaxPageBytes = 4 * 1024 * 1024;

    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(2);
    private static readonly string FindPayload =
        $"SELECT length(ENCODED_PAYLOAD), {StoredRows.Columns(RowKind.Payload)} FROM ENCRYPTED_TRANSACTION WHERE HASH = @p0";
    private static readonly string FindRaw =
        $"SELECT length(ENCRYPTED_PAYLOAD), {StoredRows.Columns(RowKind.Raw)} FROM ENCRYPTED_RAW_TRANSACTION WHERE HASH = @p0";
    private static readonly string FindParticipation = StoredRows.Select(RowKind.Participation) + " WHERE HASH = @p0 LIMIT 1";
    private static readonly string ParticipationsAfter =
        StoredRows.Select(RowKind.Participation) + " WHERE SEQ > @p0 ORDER BY SEQ LIMIT @p1";
    private const string Noted = "SELECT HASH, (SELECT count(*) FROM PARTICIPATION p WHERE p.HASH = t.HASH)"
        + " FROM ENCRYPTED_TRANSACTION t WHERE HASH > @p0 ORDER BY HASH LIMIT @p1";
    private static readonly string NewestAndKnown =
        $"SELECT 0, newest.* FROM ({StoredRows.Select(RowKind.Participation)} ORDER BY SEQ DESC LIMIT 8) AS newest"
        + $" UNION ALL SELECT 1, {StoredRows.Columns(RowKind.Participation)} FROM PARTICIPATION WHERE SEQ = @p0";

    private readonly TimeProvider _clock;
    private readonly StoreReader _reader;
    private readonly BatchWriter _writer;
    private readonly WriteProbe _probe;
    private readonly DamageReport _damage = new();
    private readonly string _managerId;
    private readonly RowForm _form;
    private TaskCompletionSource _written = NewSignal();

    private PayloadStore(StoreProvider provider, TimeProvider clock, OpenedStore opened)
    {
        _clock = clock;
        _managerId = opened.ManagerId;
        _form = opened.Form;
        Notice = opened.Told;
        _reader = new StoreReader(provider);
        _writer = new BatchWriter(provider, SignalWritten);
        _probe = new WriteProbe(_writer, clock);
    }

    /// <summary>What opening it did to a database of Tessera's, for the log; null when nothing was done.</summary>
    public string? Notice { get; }

    /// <summary>Writes that wait for their commit.</summary>
    public int WaitingWrites => _writer.Waiting;

    /// <summary>Reads that found a row damaged.</summary>
    public long DamagedReads => _damage.Count;

    /// <summary>A read found a row damaged; the message names its transaction. Called on the reader's thread.</summary>
    public event Action<string>? Damaged
    {
        add => _damage.Found += value;
        remove => _damage.Found -= value;
    }

    /// <summary>Opens the database, creating or migrating its schema; one of Tessera's is taken over.</summary>
    /// <param name="codec">Null: as the database has it, LEGACY in a new one.</param>
    /// <exception cref="PrivacyException"><see cref="Failure.StoreUnavailable"/>, saying why.</exception>
    public static PayloadStore Open(StoreProvider provider, TimeProvider clock, RowCodec? codec = null)
    {
        try
        {
            return new PayloadStore(provider, clock, StoreOpener.Open(provider, codec));
        }
        catch (Exception e) when (e is DbException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            using var reader = new StoreReader(provider);
            throw reader.Unavailable(e);
        }
    }

    /// <returns>Null when the database answers and takes writes, else why not.</returns>
    public async Task<string?> ProbeAsync(CancellationToken cancel)
    {
        try
        {
            // A hash that no row has: asked for every column, so that a table of another form is found out.
            await _reader.ListAsync(FindPayload, cancel, Array.Empty<byte>()).ConfigureAwait(false);
            await _reader.ListAsync(FindRaw, cancel, Array.Empty<byte>()).ConfigureAwait(false);
            await _reader.ListAsync(FindParticipation, cancel, Array.Empty<byte>()).ConfigureAwait(false);
            await _probe.CheckAsync(cancel).ConfigureAwait(false);
            return null;
        }
        catch (PrivacyException e)
        {
            return e.Message;
        }
    }

    /// <inheritdoc/>
    public async Task<EncodedPayload?> FindAsync(PayloadHash hash, CancellationToken cancel, Action<long>? found = null)
    {
        var row = await _reader.MeasuredAsync(FindPayload, hash.ToArray(), found, cancel).ConfigureAwait(false);
        if (row is null)
            return null;
        var payload = StoredRows.OpenPayload(row, out var fault);
        return fault is null ? payload ?? throw StoredRows.UnknownCodec(row) : throw _damage.Raise(RowKind.Payload, hash, fault);
    }

    /// <inheritdoc/>
    public Task SaveAsync(
        PayloadHash hash, EncodedPayload payload, IReadOnlyList<Participation> participations, CancellationToken cancel) =>
        _writer.WriteAsync(new SavePayload(hash, payload, participations, Now, _form));

    /// <inheritdoc/>
    public Task<bool> DeleteAsync(PayloadHash hash, CancellationToken cancel) => _writer.WriteAsync(new DeletePayload(hash));

    /// <inheritdoc/>
    public async Task<bool> IsPartyAsync(PayloadHash hash, CancellationToken cancel)
    {
        var row = await _reader.FirstAsync(FindParticipation, cancel, hash.ToArray()).ConfigureAwait(false);
        if (row is null)
            return false;
        return StoredRows.Fault(RowKind.Participation, row) is { } fault ? throw _damage.Raise(RowKind.Participation, hash, fault) : true;
    }

    /// <inheritdoc/>
    public async Task<UnnotedPayloads> UnnotedAsync(byte[]? after, int count, CancellationToken cancel)
    {
        var rows = await _reader.ListAsync(Noted, cancel, after ?? [], count).ConfigureAwait(false);
        PayloadHash[] unnoted = [.. rows.Where(r => Convert.ToInt64(r[1], CultureInfo.InvariantCulture) == 0)
            .Select(r => r[0]).OfType<byte[]>()
            .Where(h => h.Length == PayloadHash.Size).Select(h => new PayloadHash(h))];
        return new UnnotedPayloads(unnoted, rows.Count < count ? null : rows[^1][0] as byte[]);
    }

    /// <inheritdoc/>
    public async Task<RawPayload?> FindRawAsync(PayloadHash hash, CancellationToken cancel, Action<long>? found = null)
    {
        var row = await _reader.MeasuredAsync(FindRaw, hash.ToArray(), found, cancel).ConfigureAwait(false);
        if (row is null)
            return null;
        var raw = StoredRows.OpenRaw(row, out var fault);
        return fault is null ? raw : throw _damage.Raise(RowKind.Raw, hash, fault);
    }

    /// <inheritdoc/>
    public Task SaveRawAsync(PayloadHash hash, RawPayload raw, CancellationToken cancel) => _writer.WriteAsync(new SaveRaw(hash, raw, Now));

    /// <inheritdoc/>
    public async Task<PayloadPage> PageAsync(PayloadCursor? after, int count, CancellationToken cancel)
    {
        var lengths = await _reader.ListAsync(db => db.After(after).Lengths(count), cancel).ConfigureAwait(false);
        var fitting = Fitting(lengths);
        var rows = await _reader.ListAsync(db => db.After(after).Take(fitting).Columns(), cancel).ConfigureAwait(false);
        StoredPayload[] payloads = [.. rows.Select(OpenOrNull)];
        if (rows.Count < fitting || lengths.Count < count && fitting == lengths.Count)
            return new PayloadPage(payloads, null);

        // The place is that of the row as it stands, damaged or not: it is where the database went on from.
        return rows[^1] is [byte[] { Length: PayloadHash.Size } hash, _, _, long timestamp, ..]
            ? new PayloadPage(payloads, new PayloadCursor(timestamp, new PayloadHash(hash)))
            : throw _damage.Raise(RowKind.Payload, StoredRows.Hash(RowKind.Payload, rows[^1]), StoredRows.FormFault);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<SequencedHash>> AvailableAfterAsync(long sequence, int count, CancellationToken cancel)
    {
        var available = new List<SequencedHash>();
        foreach (var row in await _reader.ListAsync(ParticipationsAfter, cancel, sequence, count).ConfigureAwait(false))
        {
            var hash = StoredRows.Hash(RowKind.Participation, row);
            if (StoredRows.Fault(RowKind.Participation, row) is { } fault)
                _damage.RaiseOnce(RowKind.Participation, hash, fault);
            else
                sequence = (long)row[0]!;

            if (hash is { } told)
                available.Add(new SequencedHash(sequence, told));
        }

        return available;
    }

    /// <summary>
    /// Gives some rows of older versions their checksums: to be called, with pauses, until there are no more. A kill loses one step at
    /// most.
    /// </summary>
    public async Task<ChecksumStep> AddChecksumsAsync()
    {
        var step = new AddChecksums();
        var more = await _writer.WriteAsync(step).ConfigureAwait(false);
        foreach (var (kind, hash, fault) in step.Damaged)
            _damage.RaiseOnce(kind, hash, fault);

        return new ChecksumStep(step.Added, more);
    }

    /// <remarks>
    /// Take the task before the look: a write between look and wait is then not missed. Managers that share a database look again by time.
    /// </remarks>
    public async Task WaitForWriteAsync(CancellationToken cancel)
    {
        var signal = Volatile.Read(ref _written).Task;
        await Task.WhenAny(signal, Task.Delay(LookAgain, cancel)).ConfigureAwait(false);
        cancel.ThrowIfCancellationRequested();
    }

    /// <inheritdoc/>
    public Task<string> ManagerIdAsync(CancellationToken cancel) => Task.FromResult(_managerId);

    /// <remarks>A damaged record's own number may be wrong: the next one counts.</remarks>
    public async Task<StoreMark> MarkAsync(long known, CancellationToken cancel)
    {
        long? watermark = null;
        PayloadHash? knownHash = null;
        var rows = await _reader.ListAsync(NewestAndKnown, cancel, known).ConfigureAwait(false);
        foreach (var marked in rows)
        {
            var row = marked[1..];
            var hash = StoredRows.Hash(RowKind.Participation, row);
            if (StoredRows.Fault(RowKind.Participation, row) is { } fault)
                _damage.RaiseOnce(RowKind.Participation, hash, fault);
            else if (Convert.ToInt64(marked[0], CultureInfo.InvariantCulture) == 0)
                watermark = Math.Max(watermark ?? 0, (long)row[0]!);
            else
                knownHash = hash;
        }

        if (rows.Count > 0 && watermark is null)
            throw _damage.Raise(RowKind.Participation, null, "none of the newest records can be read");
        return new StoreMark(watermark ?? 0, knownHash);
    }

    public void Dispose()
    {
        _writer.Dispose();
        _reader.Dispose();
    }

    /// <summary>Milliseconds since 1970.</summary>
    private long Now => _clock.GetUtcNow().ToUnixTimeMilliseconds();

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private StoredPayload OpenOrNull(object?[] row)
    {
        var hash = StoredRows.Hash(RowKind.Payload, row);
        var payload = StoredRows.OpenPayload(row, out var fault);
        if (fault is not null)
            _damage.Raise(RowKind.Payload, hash, fault);
        else if (payload is null)
            throw StoredRows.UnknownCodec(row);
        return new StoredPayload(hash, payload);
    }

    /// <returns>How many of the first rows come to <see cref="MaxPageBytes"/>; the first one whatever its length is.</returns>
    private static int Fitting(List<object?[]> lengths)
    {
        var (count, bytes) = (0, 0L);
        foreach (var row in lengths)
        {
            bytes += row[0] is null ? 0 : Convert.ToInt64(row[0], CultureInfo.InvariantCulture);
            if (count > 0 && bytes > MaxPageBytes)
                break;
            count++;
        }

        return count;
    }

    private void SignalWritten() => Interlocked.Exchange(ref _written, NewSignal()).TrySetResult();
}
