using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Raft;

/// <summary>Payload of a GoQuorum raft snapshot: members, removed ids (never used again), hash of the chain head to catch up to.</summary>
/// <param name="Addresses">Ascending by raft id.</param>
public sealed record RaftSnapshotData(IReadOnlyList<RaftAddress> Addresses, IReadOnlyList<ulong> RemovedIds, Hash256 HeadBlockHash)
{
    /// <summary>The form with host names is used for all members as soon as one has a DNS name.</summary>
    public byte[] Encode()
    {
        var hostnameForm = Addresses.Any(a => a.IsHostname);
        var w = new RlpWriter();
        var outer = w.BeginList();
        var list = w.BeginList();
        foreach (var address in Addresses) address.WriteTo(w, hostnameForm);
        w.EndList(list);
        list = w.BeginList();
        // Removed ids travel along: a newcomer must know them as well, or it could give one of them to another node.
        foreach (var id in RemovedIds) w.Write(id);
        w.EndList(list);
        w.Write(HeadBlockHash);
        w.EndList(outer);
        return w.ToArray();
    }

    /// <summary>Throws <see cref="RaftFormatException"/> on anything that is no such payload; counts are bounded by the 16 bits
    /// of an id.</summary>
    public static RaftSnapshotData Decode(ReadOnlySpan<byte> data)
    {
        try
        {
            return Read(data);
        }
        catch (RlpException e)
        {
            throw new RaftFormatException($"raft snapshot: {e.Message}");
        }
    }

    private static RaftSnapshotData Read(ReadOnlySpan<byte> data)
    {
        var whole = new RlpReader(data);
        var fields = whole.ReadList();
        whole.ExpectEnd();
        var addresses = new List<RaftAddress>();
        for (var list = fields.ReadList(); !list.End;)
        {
            if (addresses.Count >= ushort.MaxValue) throw new RaftFormatException("raft snapshot: too many members");
            addresses.Add(RaftAddress.Read(ref list));
        }
        var removed = new List<ulong>();
        for (var list = fields.ReadList(); !list.End;)
        {
            var id = list.ReadUInt64();
            if (id > ushort.MaxValue || removed.Count >= ushort.MaxValue)
                throw new RaftFormatException($"raft snapshot: removed id {id} is out of range");
            removed.Add(id);
        }
        var head = fields.ReadHash256();
        return new RaftSnapshotData(addresses, removed, head);
    }
}
