namespace QuorumMesh.Consensus.Raft;

/// <summary>
/// etcd's raftpb bytes. Its generated code writes every scalar field even when zero, byte fields only when set, and so does this.
/// </summary>
public static class RaftWire
{
    /// <summary>Members a decoded message may name, and entries it may hold.</summary>
    public const int MaxMembers = 65_536, MaxEntries = 1_048_576;

    /// <summary>Bytes of an entry on the wire; limits on sizes count these.</summary>
    public static int SizeOf(RaftEntry e) =>
        3 + Len((ulong)e.Type) + Len(e.Term) + Len(e.Index) + (e.Data.Length > 0 ? 1 + Len((ulong)e.Data.Length) + e.Data.Length : 0);

    /// <summary>Bytes of a message on the wire.</summary>
    public static int SizeOf(RaftMessage m)
    {
        var size = 10 + Len((ulong)m.Type) + Len(m.To) + Len(m.From) + Len(m.Term) + Len(m.LogTerm) + Len(m.Index) + Len(m.Commit)
            + Len(m.RejectHint); // 9 tags and the reject byte
        foreach (var entry in m.Entries) size += Field(SizeOf(entry));
        size += Field(SizeOf(m.Snapshot));
        return size + (m.Context is null ? 0 : Field(m.Context.Length));
    }

    /// <summary>A message in a buffer of its own.</summary>
    public static byte[] Encode(RaftMessage m)
    {
        var buffer = new byte[SizeOf(m)];
        Encode(m, buffer);
        return buffer;
    }

    /// <summary>Writes <see cref="SizeOf(RaftMessage)"/> bytes.</summary>
    public static void Encode(RaftMessage m, Span<byte> destination)
    {
        var w = new ProtoWriter(destination);
        w.Varint(1, (ulong)m.Type);
        w.Varint(2, m.To);
        w.Varint(3, m.From);
        w.Varint(4, m.Term);
        w.Varint(5, m.LogTerm);
        w.Varint(6, m.Index);
        foreach (var entry in m.Entries)
        {
            w.Header(7, SizeOf(entry));
            Put(ref w, entry);
        }
        w.Varint(8, m.Commit);
        w.Header(9, SizeOf(m.Snapshot));
        Put(ref w, m.Snapshot);
        w.Varint(10, m.Reject ? 1UL : 0);
        w.Varint(11, m.RejectHint);
        if (m.Context is not null) w.Bytes(12, m.Context);
    }

    /// <summary>An entry in a buffer of its own, as log and message hold it.</summary>
    public static byte[] Encode(RaftEntry e)
    {
        var buffer = new byte[SizeOf(e)];
        Encode(e, buffer);
        return buffer;
    }

    /// <summary>Writes <see cref="SizeOf(RaftEntry)"/> bytes.</summary>
    public static void Encode(RaftEntry e, Span<byte> destination)
    {
        var w = new ProtoWriter(destination);
        Put(ref w, e);
    }

    /// <summary>A snapshot with data and metadata; digests are taken over these bytes.</summary>
    public static byte[] Encode(RaftSnapshot s)
    {
        var buffer = new byte[SizeOf(s)];
        var w = new ProtoWriter(buffer);
        Put(ref w, s);
        return buffer;
    }

    /// <summary>raftpb.HardState.</summary>
    public static byte[] Encode(RaftHardState s)
    {
        var buffer = new byte[3 + Len(s.Term) + Len(s.Vote) + Len(s.Commit)];
        var w = new ProtoWriter(buffer);
        w.Varint(1, s.Term);
        w.Varint(2, s.Vote);
        w.Varint(3, s.Commit);
        return buffer;
    }

    /// <summary>raftpb.ConfChange: the data of a membership entry.</summary>
    public static byte[] Encode(RaftConfChange c)
    {
        var buffer = new byte[3 + Len(c.Id) + Len((ulong)c.Type) + Len(c.NodeId) + (c.Context.Length > 0 ? Field(c.Context.Length) : 0)];
        var w = new ProtoWriter(buffer);
        w.Varint(1, c.Id);
        w.Varint(2, (ulong)c.Type);
        w.Varint(3, c.NodeId);
        if (c.Context.Length > 0) w.Bytes(4, c.Context);
        return buffer;
    }

    /// <summary>Unknown fields are skipped, as protobuf asks. Throws <see cref="RaftFormatException"/> on what is no message or
    /// too large.</summary>
    public static RaftMessage DecodeMessage(ReadOnlySpan<byte> data)
    {
        ulong type = 0, to = 0, from = 0, term = 0, logTerm = 0, index = 0, commit = 0, rejectHint = 0;
        var reject = false;
        byte[]? context = null;
        RaftSnapshot? snapshot = null;
        List<RaftEntry>? entries = null;
        var r = new ProtoReader(data);
        while (r.TryNext(out var field))
        {
            switch (field)
            {
                case 1: type = r.Varint(); break;
                case 2: to = r.Varint(); break;
                case 3: from = r.Varint(); break;
                case 4: term = r.Varint(); break;
                case 5: logTerm = r.Varint(); break;
                case 6: index = r.Varint(); break;
                case 7: AddBounded(entries ??= [], DecodeEntry(r.Bytes()), MaxEntries, "entries"); break;
                case 8: commit = r.Varint(); break;
                case 9: snapshot = DecodeSnapshot(r.Bytes()); break;
                case 10: reject = r.Varint() != 0; break;
                case 11: rejectHint = r.Varint(); break;
                case 12: context = r.Bytes().ToArray(); break;
                default: r.Skip(); break;
            }
        }
        if (type > (ulong)RaftMessageType.PreVoteResp) throw new RaftFormatException($"unknown raft message type {type}");
        return new RaftMessage
        {
            Type = (RaftMessageType)type,
            To = to,
            From = from,
            Term = term,
            LogTerm = logTerm,
            Index = index,
            Entries = entries ?? [],
            Commit = commit,
            // The field is there in every message; without an index it is etcd's empty snapshot (IsEmptySnap).
            Snapshot = snapshot is { Index: > 0 } ? snapshot : null,
            Reject = reject,
            RejectHint = rejectHint,
            Context = context,
        };
    }

    /// <summary>Throws <see cref="RaftFormatException"/>.</summary>
    public static RaftEntry DecodeEntry(ReadOnlySpan<byte> data)
    {
        ulong type = 0, term = 0, index = 0;
        byte[] payload = [];
        var r = new ProtoReader(data);
        while (r.TryNext(out var field))
        {
            switch (field)
            {
                case 1: type = r.Varint(); break;
                case 2: term = r.Varint(); break;
                case 3: index = r.Varint(); break;
                case 4: payload = r.Bytes().ToArray(); break;
                default: r.Skip(); break;
            }
        }
        if (type > (ulong)RaftEntryType.ConfChange) throw new RaftFormatException($"unknown raft entry type {type}");
        return new RaftEntry(term, index, (RaftEntryType)type, payload);
    }

    /// <summary>Index 0 when there is none. Throws <see cref="RaftFormatException"/>.</summary>
    public static RaftSnapshot DecodeSnapshot(ReadOnlySpan<byte> data)
    {
        byte[] payload = [];
        var (confState, index, term) = (RaftConfState.Empty, 0UL, 0UL);
        var r = new ProtoReader(data);
        while (r.TryNext(out var field))
        {
            if (field == 1) payload = r.Bytes().ToArray();
            else if (field == 2) (confState, index, term) = DecodeMetadata(r.Bytes());
            else r.Skip();
        }
        return new RaftSnapshot(payload, confState, index, term);
    }

    /// <summary>Throws <see cref="RaftFormatException"/>.</summary>
    public static RaftHardState DecodeHardState(ReadOnlySpan<byte> data)
    {
        ulong term = 0, vote = 0, commit = 0;
        var r = new ProtoReader(data);
        while (r.TryNext(out var field))
        {
            switch (field)
            {
                case 1: term = r.Varint(); break;
                case 2: vote = r.Varint(); break;
                case 3: commit = r.Varint(); break;
                default: r.Skip(); break;
            }
        }
        return new RaftHardState(term, vote, commit);
    }

    /// <summary>Throws <see cref="RaftFormatException"/>.</summary>
    public static RaftConfChange DecodeConfChange(ReadOnlySpan<byte> data)
    {
        ulong id = 0, type = 0, nodeId = 0;
        byte[] context = [];
        var r = new ProtoReader(data);
        while (r.TryNext(out var field))
        {
            switch (field)
            {
                case 1: id = r.Varint(); break;
                case 2: type = r.Varint(); break;
                case 3: nodeId = r.Varint(); break;
                case 4: context = r.Bytes().ToArray(); break;
                default: r.Skip(); break;
            }
        }
        if (type > (ulong)RaftConfChangeType.AddLearnerNode) throw new RaftFormatException($"unknown membership change {type}");
        return new RaftConfChange(id, (RaftConfChangeType)type, nodeId, context);
    }

    private static (RaftConfState, ulong Index, ulong Term) DecodeMetadata(ReadOnlySpan<byte> data)
    {
        var confState = RaftConfState.Empty;
        ulong index = 0, term = 0;
        var r = new ProtoReader(data);
        while (r.TryNext(out var field))
        {
            switch (field)
            {
                case 1: confState = DecodeConfState(r.Bytes()); break;
                case 2: index = r.Varint(); break;
                case 3: term = r.Varint(); break;
                default: r.Skip(); break;
            }
        }
        return (confState, index, term);
    }

    private static RaftConfState DecodeConfState(ReadOnlySpan<byte> data)
    {
        List<ulong> voters = [], learners = [];
        var r = new ProtoReader(data);
        while (r.TryNext(out var field))
        {
            if (field == 1) AddBounded(voters, r.Varint(), MaxMembers, "members");
            else if (field == 2) AddBounded(learners, r.Varint(), MaxMembers, "learners");
            else r.Skip();
        }
        return new RaftConfState(voters, learners);
    }

    private static void AddBounded<T>(List<T> list, T item, int max, string what)
    {
        if (list.Count >= max) throw new RaftFormatException($"more than {max} {what} in one raft message");
        list.Add(item);
    }

    private static void Put(ref ProtoWriter w, RaftEntry e)
    {
        w.Varint(1, (ulong)e.Type);
        w.Varint(2, e.Term);
        w.Varint(3, e.Index);
        if (e.Data.Length > 0) w.Bytes(4, e.Data);
    }

    private static void Put(ref ProtoWriter w, RaftSnapshot? s)
    {
        var conf = s?.ConfState ?? RaftConfState.Empty;
        if (s is { Data.Length: > 0 }) w.Bytes(1, s.Data);
        w.Header(2, MetadataSize(s));
        w.Header(1, ConfSize(conf));
        foreach (var id in conf.Voters) w.Varint(1, id);
        foreach (var id in conf.Learners) w.Varint(2, id);
        w.Varint(2, s?.Index ?? 0);
        w.Varint(3, s?.Term ?? 0);
    }

    private static int SizeOf(RaftSnapshot? s) => (s is { Data.Length: > 0 } ? Field(s.Data.Length) : 0) + Field(MetadataSize(s));

    private static int MetadataSize(RaftSnapshot? s) =>
        Field(ConfSize(s?.ConfState ?? RaftConfState.Empty)) + 2 + Len(s?.Index ?? 0) + Len(s?.Term ?? 0);

    private static int ConfSize(RaftConfState c)
    {
        var size = c.Voters.Count + c.Learners.Count;
        foreach (var id in c.Voters) size += Len(id);
        foreach (var id in c.Learners) size += Len(id);
        return size;
    }

    private static int Field(int length) => 1 + Len((ulong)length) + length;

    private static int Len(ulong value) => ProtoWriter.VarintSize(value);
}
