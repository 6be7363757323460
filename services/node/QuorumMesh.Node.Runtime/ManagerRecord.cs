using System.Buffers.Binary;
using System.Text;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// The manager's database that the private state was made from, and how much it knew: stored with the private head. What another
/// database answers, or one that knows less than before, is not taken, for a payload that was lost with its record reads "not a
/// party" there. Nor is one with another payload at a record that it told of before: it was set back, and has grown past its old
/// number since. That stays so, over restarts too, until the operator accepts it or the right database is back. Owned by the
/// writer loop.
/// </summary>
/// <remarks>
/// Sequence numbers are never given twice in the life of a database. That a record is not there accuses nobody: a payload that was lost and
/// came back has a later one, and a replica may lag.
/// </remarks>
internal sealed class ManagerRecord
{
    /// <summary>Records that answers under way may still be about.</summary>
    private const int MaxRows = 64;

    private readonly IKeyValueStore _store;
    private readonly NodeEvents _events;

    /// <summary>The last records that the stream told of, the newest at the end.</summary>
    private readonly List<(long Sequence, PayloadHash Hash)> _rows = [];

    /// <summary>What every answer of this process knows at least: it was stored before the first question.</summary>
    private long _floor;

    private KnownDatabase? _refused;

    /// <summary>What stands at the known record instead; null when that is not why the database is refused.</summary>
    private (long Sequence, PayloadHash Hash)? _refusedRow;

    private bool _isChanged;

    /// <summary>An answer came that told of no database.</summary>
    private bool _sawNone;

    public ManagerRecord(IKeyValueStore store, NodeEvents events)
    {
        (_store, _events) = (store, events);
        (Accepted, _refused) = (Load(store, StoredNames.ManagerAccepted), Load(store, StoredNames.ManagerRefused));
        _floor = Accepted?.Watermark ?? 0;
        if (LoadRow(store, StoredNames.ManagerRow) is { } row) _rows.Add(row);
        _refusedRow = LoadRow(store, StoredNames.ManagerRowRefused);
    }

    /// <summary>The last record that the manager's stream told of; null when it told of none yet.</summary>
    public (long Sequence, PayloadHash Hash)? Row => _rows.Count > 0 ? _rows[^1] : null;

    /// <summary>Null until the manager has told of its database.</summary>
    public KnownDatabase? Accepted { get; private set; }

    /// <summary>The last one told of in this process, accepted or not.</summary>
    public KnownDatabase? Seen { get; private set; }

    /// <summary>Goes up with every change of whether the manager is taken at its word.</summary>
    public int Turns { get; private set; }

    /// <summary>Why the manager's answers are not taken; null when they are.</summary>
    public string? Refusal => (_refused, Accepted) switch
    {
        (null, _) => null,
        ({ } seen, { } known) when seen.Id != known.Id =>
            $"the transaction manager answers from another database ({seen.Id}) than the one that this private state was made from "
                + $"({known.Id}); {Advice}",
        (not null, _) when _refusedRow is { } row =>
            $"the transaction manager's database has another payload ({row.Hash}) at record {row.Sequence} than it told of before: it was "
                + $"set back, and has grown past its old number since; {Advice}",
        ({ } seen, var known) => $"the transaction manager's database knows less than before (record {seen.Watermark}, it was at "
        + $"{known?.Watermark}): it was set back; {Advice}",
    };

    private const string Advice =
        "give it its database back, or have the other parties resend to it and then run 'qmesh private accept-manager'";

    /// <param name="seen">Null for an answer that does not tell.</param>
    /// <returns>False when what came with it must not be believed.</returns>
    public bool Takes(ManagerDatabase? seen)
    {
        if (seen is null)
        {
            _sawNone = true;
            return _refused is null;
        }
        Seen = new KnownDatabase(seen.Id, seen.Watermark);
        if (Accepted is not { } known) return Adopt(Seen);
        var other = seen.Id == known.Id ? OtherRow(seen.Row) : null;
        // Measured by what was known when it was asked: answers overtake each other.
        var fits = seen.Id == known.Id && seen.Watermark >= Math.Max(_floor, seen.AtLeast) && other is null;
        // What was set back and knows less may have grown since: no number shows that it is whole again. The record itself does.
        if (_refused is { } refused)
            return fits && (refused.Id != known.Id || (_refusedRow is not null && IsSameRow(seen.Row))) && Return();
        if (!fits) return Refuse(Seen, other);
        if (seen.Watermark <= known.Watermark) return true;
        (Accepted, _isChanged) = (Seen, true);
        return true;
    }

    /// <summary>Into a batch that moves the private head, or notes what the manager told.</summary>
    public void Put(KeyValueBatch batch)
    {
        if (!_isChanged) return;
        Put(batch, StoredNames.ManagerAccepted, Accepted);
        _isChanged = false;
    }

    /// <summary>The stream told of a record. One that is not later than the last is told again, or stands for a damaged one.</summary>
    public void Note(long sequence, in PayloadHash hash)
    {
        if (sequence <= (Row?.Sequence ?? 0)) return;
        if (_rows.Count == MaxRows) _rows.RemoveAt(0);
        _rows.Add((sequence, hash));
    }

    /// <summary>Into the batch that says where the stream is resumed.</summary>
    public void PutRow(KeyValueBatch batch) => PutRow(batch, StoredNames.ManagerRow, Row);

    /// <summary>The operator's word that the manager may be believed as it is now.</summary>
    /// <param name="alongside">What else goes with it.</param>
    /// <exception cref="InvalidOperationException">Nothing is refused, or the manager has not answered since the start.</exception>
    public void Accept(Action<KeyValueBatch> alongside)
    {
        if (_refused is null) throw new InvalidOperationException("the transaction manager is accepted already");
        if (Seen is null && !_sawNone)
            throw new InvalidOperationException("the transaction manager has not answered since the node was started: start it first");
        (Accepted, _refused, _refusedRow, _floor) = (Seen, null, null, Seen?.Watermark ?? 0);
        _rows.Clear();
        var batch = new KeyValueBatch();
        Put(batch, StoredNames.ManagerAccepted, Accepted);
        Put(batch, StoredNames.ManagerRefused, null);
        PutRow(batch, StoredNames.ManagerRow, null);
        PutRow(batch, StoredNames.ManagerRowRefused, null);
        alongside(batch);
        // Flushed: the private state goes on from the operator's word at once, so a crash must not take that back.
        _store.Write(batch, sync: true);
        (_isChanged, Turns) = (false, Turns + 1);
        _events.Tell(NoticeLevel.Warning, "The operator accepts the transaction manager's database "
            + $"{Accepted?.Id ?? "(it tells of none)"} at record {Accepted?.Watermark ?? 0}: private blocks are run again");
    }

    /// <summary>The accepted database; null when none is stored.</summary>
    public static KnownDatabase? LoadAccepted(IKeyValueReader reader) => Load(reader, StoredNames.ManagerAccepted);

    /// <summary>Durable at once: what is forgotten could not be told from another one after a crash.</summary>
    private bool Adopt(KnownDatabase seen)
    {
        Accepted = seen;
        var batch = new KeyValueBatch();
        Put(batch, StoredNames.ManagerAccepted, seen);
        _store.Write(batch, sync: true);
        _events.Tell(NoticeLevel.Information,
            $"The private state follows the transaction manager's database {seen.Id}, which is at record {seen.Watermark}");
        return true;
    }

    /// <returns>What stands at a record that was noted, where that is another payload's.</returns>
    private (long Sequence, PayloadHash Hash)? OtherRow(ManagerRow? told)
    {
        if (told?.Hash is not { } hash) return null;
        foreach (var row in _rows)
            if (row.Sequence == told.Sequence && !row.Hash.Equals(hash)) return (told.Sequence, hash);
        return null;
    }

    private bool IsSameRow(ManagerRow? told) => told?.Hash is { } hash && Row is { } row && row == (told.Sequence, hash);

    private bool Refuse(KnownDatabase seen, (long Sequence, PayloadHash Hash)? row)
    {
        (_refused, _refusedRow) = (seen, row);
        Write(seen);
        _events.Tell(NoticeLevel.Error, $"The private head is stopped: {Refusal}");
        return false;
    }

    private bool Return()
    {
        (_refused, _refusedRow) = (null, null);
        Write(null);
        _events.Tell(NoticeLevel.Warning, "The transaction manager answers from its own database again: private blocks go on");
        return true;
    }

    private void Write(KnownDatabase? refused)
    {
        var batch = new KeyValueBatch();
        Put(batch, StoredNames.ManagerRefused, refused);
        // What it knew is the measure from now on: it must not be lost with a batch that is not synced.
        Put(batch, StoredNames.ManagerAccepted, Accepted);
        PutRow(batch);
        PutRow(batch, StoredNames.ManagerRowRefused, _refusedRow);
        _store.Write(batch, sync: true);
        (_isChanged, Turns) = (false, Turns + 1);
    }

    /// <summary>The sequence number as 8 bytes, big endian, then the hash; empty for none.</summary>
    private static void PutRow(KeyValueBatch batch, string name, (long Sequence, PayloadHash Hash)? row)
    {
        var value = new byte[row is null ? 0 : 8 + PayloadHash.Size];
        if (row is { } noted)
        {
            BinaryPrimitives.WriteInt64BigEndian(value, noted.Sequence);
            noted.Hash.ToArray().CopyTo(value.AsSpan(8));
        }
        ChainStore.PutMeta(batch, name, value);
    }

    private static (long Sequence, PayloadHash Hash)? LoadRow(IKeyValueReader reader, string name) =>
        ChainStore.GetMeta(reader, name) is { Length: 8 + PayloadHash.Size } value
            ? (BinaryPrimitives.ReadInt64BigEndian(value.Span), new PayloadHash(value.Span[8..])) : null;

    /// <summary>The watermark as 8 bytes, big endian, then the id; empty for none.</summary>
    private static void Put(KeyValueBatch batch, string name, KnownDatabase? database)
    {
        var value = new byte[database is null ? 0 : 8 + Encoding.UTF8.GetByteCount(database.Id)];
        if (database is not null)
        {
            BinaryPrimitives.WriteInt64BigEndian(value, database.Watermark);
            Encoding.UTF8.GetBytes(database.Id, value.AsSpan(8));
        }
        ChainStore.PutMeta(batch, name, value);
    }

    private static KnownDatabase? Load(IKeyValueReader reader, string name) =>
        ChainStore.GetMeta(reader, name) is { Length: > 8 } value
            ? new KnownDatabase(Encoding.UTF8.GetString(value.Span[8..]), BinaryPrimitives.ReadInt64BigEndian(value.Span)) : null;
}

/// <param name="Watermark">The highest sequence number of its records.</param>
public sealed record KnownDatabase(string Id, long Watermark);
