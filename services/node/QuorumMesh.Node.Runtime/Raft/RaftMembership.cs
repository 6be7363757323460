using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Node.Runtime.Raft;

/// <summary>
/// Who is in the cluster and where: the applied membership entries. Ids that were removed are never used again (GoQuorum
/// raft/handler.go).
/// </summary>
public sealed class RaftMembership
{
    private readonly SortedDictionary<ulong, RaftAddress> _addresses = [];
    private readonly SortedSet<ulong> _removed = [];

    /// <summary>Immutable copies for readers on other threads, replaced on every change.</summary>
    public IReadOnlyList<RaftAddress> Addresses { get; private set; } = [];

    /// <summary>Ids of removed members, which are never given again (2.5:raft/peer.go).</summary>
    public IReadOnlyCollection<ulong> Removed => _removed;

    /// <summary>Null for an id that is no member's.</summary>
    public RaftAddress? Find(ulong id) => _addresses.GetValueOrDefault(id);

    /// <summary>Whether the id was a member's once.</summary>
    public bool IsRemoved(ulong id) => _removed.Contains(id);

    /// <summary>Adds a member, or changes its address.</summary>
    public void Put(RaftAddress address)
    {
        _addresses[address.RaftId] = address;
        Publish();
    }

    /// <summary>Takes a member out for good.</summary>
    public void Remove(ulong id)
    {
        _addresses.Remove(id);
        _removed.Add(id);
        Publish();
    }

    /// <summary>Takes all from a snapshot.</summary>
    public void Replace(IEnumerable<RaftAddress> addresses, IEnumerable<ulong> removed)
    {
        _addresses.Clear();
        _removed.Clear();
        foreach (var address in addresses) _addresses[address.RaftId] = address;
        _removed.UnionWith(removed);
        Publish();
    }

    private void Publish() => Addresses = [.. _addresses.Values];
}
