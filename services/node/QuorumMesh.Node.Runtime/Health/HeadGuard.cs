using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node.Runtime.Health;

/// <summary>Questions for the peers: which of our blocks they have.</summary>
/// <param name="Head">Number of our head.</param>
/// <param name="Members">The other voting members.</param>
/// <param name="Electorate">All of them.</param>
public sealed record HeadCheck(ulong Head, IReadOnlySet<string> Members, Electorate Electorate)
{
    /// <summary>A node this many blocks behind most members is not ready.</summary>
    public const ulong FarBehind = 128;
}

/// <param name="Answered">Members that answered at all.</param>
/// <param name="Ahead">Those of them that have the block <see cref="HeadCheck.FarBehind"/> above the head asked about.</param>
public sealed record HeadAnswers(IReadOnlyList<HeadReport> Reports, int Answered, int Ahead);

/// <param name="Conflict">Null while no majority was seen on another chain.</param>
/// <param name="IsCompared">False until a member has answered since the start, or none did for so long that waiting helps no more.</param>
/// <param name="IsFarBehind">Most members that answer are far ahead.</param>
public sealed record HeadStanding(HeadConflict? Conflict, bool IsCompared, bool IsFarBehind);

/// <summary>
/// Compares our blocks with those of the other members every few seconds. Committed blocks never differ, so a majority with
/// another block means that the two chains have parted: a lost log, a bug, damage. Who is in the minority can tell, and
/// acknowledges nothing until the majority agrees again; that survives a restart. Owned by the writer loop.
/// </summary>
internal sealed class HeadGuard
{
    private const long IntervalMs = 3_000;

    /// <summary>Until the first answer: a start waits for it.</summary>
    private const long FirstIntervalMs = 250;

    /// <summary>A round that was not answered by then is lost, and another one begins.</summary>
    private const long RoundLimitMs = 30_000;

    private const long PatienceMs = 20_000;

    private readonly NodeStores _stores;
    private readonly string _ownId;
    private HeadStanding _standing;
    private long? _startedAt;
    private long _nextAt;
    private bool _isAsking;

    /// <param name="ownId">128 lower-case hex digits.</param>
    public HeadGuard(NodeStores stores, string ownId)
    {
        (_stores, _ownId) = (stores, ownId);
        _standing = new HeadStanding(Load(stores.KeyValues), IsCompared: false, IsFarBehind: false);
    }

    /// <summary>May be read from any thread.</summary>
    public HeadStanding Standing => Volatile.Read(ref _standing);

    /// <returns>A round of questions if one is due.</returns>
    public HeadCheck? Due(NodeTime now, ulong head, Electorate electorate)
    {
        var (voters, own) = (electorate.Members, electorate.NameOf(_ownId));
        _startedAt ??= now.Milliseconds;
        if (!_standing.IsCompared && (now.Milliseconds - _startedAt >= PatienceMs || IsAlone(voters, own)))
            Set(_standing with { IsCompared = true });
        if (now.Milliseconds < _nextAt || !voters.Any(name => name != own)) return null;
        if (_isAsking && now.Milliseconds < _nextAt + RoundLimitMs) return null;
        (_isAsking, _nextAt) = (true, now.Milliseconds);
        return new HeadCheck(head, voters.Where(name => name != own).ToHashSet(), electorate);
    }

    /// <returns>True when the standing towards the majority has changed.</returns>
    public bool Heard(HeadAnswers answers, NodeTime now, Electorate electorate)
    {
        var before = _standing.Conflict;
        var judgement = HeadJudge.Judge(answers.Reports, electorate, electorate.NameOf(_ownId),
            number => ChainStore.GetCanonicalHash(_stores.KeyValues, number));
        // Below the block in question the chains are one: to agree there ends nothing.
        var conflict = judgement.Conflict ?? (judgement.AgreedAt >= before?.Number ? null : before);
        var isCompared = _standing.IsCompared || answers.Answered > 0;
        _isAsking = false;
        _nextAt = now.Milliseconds + (isCompared && answers.Answered > 0 ? IntervalMs : FirstIntervalMs);
        var hasChanged = conflict is null != (before is null);
        if (hasChanged) Save(conflict);
        // A round without answers tells nothing new.
        Set(new HeadStanding(conflict, isCompared, answers.Answered > 0 ? answers.Ahead * 2 > answers.Answered : _standing.IsFarBehind));
        return hasChanged;
    }

    /// <summary>A member that joins knows nobody yet, and is not alone.</summary>
    private static bool IsAlone(IReadOnlySet<string> voters, string own) => voters.Count == 1 && voters.Contains(own);

    private void Set(HeadStanding standing) => Volatile.Write(ref _standing, standing);

    private void Save(HeadConflict? conflict)
    {
        var batch = new KeyValueBatch();
        ChainStore.PutMeta(batch, StoredNames.HeadConflict, conflict is null ? [] : Encode(conflict));
        // Flushed: a restart must not forget that this node is on the wrong chain, and acknowledge again.
        _stores.KeyValues.Write(batch, sync: true);
    }

    private static byte[] Encode(HeadConflict conflict)
    {
        var value = new byte[16 + (2 * Hash256.Size)];
        System.Buffers.Binary.BinaryPrimitives.WriteUInt64BigEndian(value, conflict.Number);
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(value.AsSpan(8), conflict.Holders);
        System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(value.AsSpan(12), conflict.Members);
        conflict.Own.ToArray().CopyTo(value, 16);
        conflict.Theirs.ToArray().CopyTo(value, 16 + Hash256.Size);
        return value;
    }

    private static HeadConflict? Load(IKeyValueReader reader)
    {
        if (ChainStore.GetMeta(reader, StoredNames.HeadConflict) is not { Length: 16 + (2 * Hash256.Size) } value) return null;
        var bytes = value.Span;
        return new HeadConflict(
            System.Buffers.Binary.BinaryPrimitives.ReadUInt64BigEndian(bytes), new Hash256(bytes.Slice(16, Hash256.Size)),
            new Hash256(bytes[(16 + Hash256.Size)..]),
            System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(bytes[8..]),
            System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(bytes[12..]));
    }
}
