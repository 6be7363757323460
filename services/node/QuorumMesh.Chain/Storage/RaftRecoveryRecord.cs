using System.Text.Json;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Chain.Storage;

/// <summary>
/// What an operator did when most members of a Raft cluster were lost for good: plan and audit record in one, kept with the chain for good.
/// It is written before anything else is, and all that follows is done from it, so that one who is cut off and begins again ends the same.
/// </summary>
public sealed record RaftRecoveryRecord
{
    /// <summary>Of the writer's clock, in seconds since 1970.</summary>
    public required ulong UnixSeconds { get; init; }

    /// <summary>Who decided it, in his own words.</summary>
    public required string Who { get; init; }

    /// <summary>Why, in his own words.</summary>
    public required string Why { get; init; }

    /// <summary>The member whose log was kept.</summary>
    public required ulong RaftId { get; init; }

    /// <summary>Members from then on, that one among them.</summary>
    public required IReadOnlyList<ulong> Kept { get; init; }

    /// <summary>Members that were taken out; their ids are never used again.</summary>
    public required IReadOnlyList<ulong> Removed { get; init; }

    /// <summary>Learners that became voters by it.</summary>
    public required IReadOnlyList<ulong> Promoted { get; init; }

    /// <summary>Term of the entries that were added: one above all that this member had seen.</summary>
    public required ulong Term { get; init; }

    /// <summary>End of the log before, which was kept whole.</summary>
    public required ulong LastIndex { get; init; }

    /// <summary>Term of that entry.</summary>
    public required ulong LastTerm { get; init; }

    /// <summary>Known to be committed before; the entries from there to <see cref="LastIndex"/> count as committed since.</summary>
    public required ulong Committed { get; init; }

    /// <summary>The public head before; blocks of entries that were not applied came after.</summary>
    public required ulong Head { get; init; }

    /// <summary>Hash of that block.</summary>
    public required Hash256 HeadHash { get; init; }

    /// <summary>False while it is under way: the node does not start then.</summary>
    public required bool IsDone { get; init; }

    /// <summary>All of them, the oldest first.</summary>
    /// <exception cref="ChainCorruptException">The stored value cannot be read.</exception>
    public static IReadOnlyList<RaftRecoveryRecord> All(IKeyValueReader reader)
    {
        if (ChainStore.GetMeta(reader, StoredNames.RaftRecoveries) is not { } stored) return [];
        try
        {
            using var document = JsonDocument.Parse(stored);
            return [.. document.RootElement.EnumerateArray().Select(Read)];
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException or FormatException)
        {
            throw new ChainCorruptException($"the records of Raft recoveries cannot be read: {e.Message}");
        }
    }

    /// <summary>The one that was begun and has not ended; null when there is none.</summary>
    public static RaftRecoveryRecord? Unfinished(IKeyValueReader reader) => All(reader).LastOrDefault(r => !r.IsDone);

    /// <summary>Adds a record, or ends the one that is under way; to be flushed.</summary>
    public KeyValueBatch Put(IKeyValueReader reader)
    {
        var before = All(reader).Where(r => r.IsDone);
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartArray();
            foreach (var record in before.Append(this)) record.Write(json);
            json.WriteEndArray();
        }
        var batch = new KeyValueBatch();
        ChainStore.PutMeta(batch, StoredNames.RaftRecoveries, buffer.ToArray());
        return batch;
    }

    /// <summary>As it is shown, too.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartObject();
        json.WriteNumber("time", UnixSeconds);
        json.WriteString("who", Who);
        json.WriteString("why", Why);
        json.WriteNumber("raftId", RaftId);
        WriteIds(json, "members", Kept);
        WriteIds(json, "removed", Removed);
        WriteIds(json, "promoted", Promoted);
        json.WriteNumber("term", Term);
        json.WriteNumber("lastIndex", LastIndex);
        json.WriteNumber("lastTerm", LastTerm);
        json.WriteNumber("committed", Committed);
        json.WriteNumber("head", Head);
        json.WriteString("headHash", HeadHash.ToString());
        json.WriteBoolean("done", IsDone);
        json.WriteEndObject();
    }

    private static void WriteIds(Utf8JsonWriter json, string name, IReadOnlyList<ulong> ids)
    {
        json.WriteStartArray(name);
        foreach (var id in ids) json.WriteNumberValue(id);
        json.WriteEndArray();
    }

    private static RaftRecoveryRecord Read(JsonElement json) => new()
    {
        UnixSeconds = json.GetProperty("time").GetUInt64(),
        Who = json.GetProperty("who").GetString()!,
        Why = json.GetProperty("why").GetString()!,
        RaftId = json.GetProperty("raftId").GetUInt64(),
        Kept = Ids(json, "members"),
        Removed = Ids(json, "removed"),
        Promoted = Ids(json, "promoted"),
        Term = json.GetProperty("term").GetUInt64(),
        LastIndex = json.GetProperty("lastIndex").GetUInt64(),
        LastTerm = json.GetProperty("lastTerm").GetUInt64(),
        Committed = json.GetProperty("committed").GetUInt64(),
        Head = json.GetProperty("head").GetUInt64(),
        HeadHash = Hash256.Parse(json.GetProperty("headHash").GetString()!),
        IsDone = json.GetProperty("done").GetBoolean(),
    };

    private static ulong[] Ids(JsonElement json, string name) => [.. json.GetProperty(name).EnumerateArray().Select(id => id.GetUInt64())];
}
