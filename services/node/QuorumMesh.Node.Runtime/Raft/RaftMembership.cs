using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Node.Runtime.Raft;

/// <summary>Who is in the cluster and where: the applied membership entries. Ids that were removed are never used again (GoQuorum raft/handler.go).</summary>
public sealed class RaftMembership
{
    private readonly SortedDictionary<ulong, RaftAddress> _addresses = [];
    private readonly SortedSet<ulong> _removed = [];

    /// <summary>Immutable copies for readers on other threads, replaced on every change.</summary>
    public IReadOnlyList<RaftAddress> Addresses { get; private set; } = [];

    public IReadOnlyCollection<ulong> Removed => _removed;

    public RaftAddress? Find(ulong id) => _addresses.GetValueOrDefault(id);

    public bool IsRemoved(ulong id) => _removed.Contains(id);

    public void Put(RaftAddress address)
    {
        _addresses[address.RaftId] = address;
        Publish();
    }

    public void Remove(ulong id)
    {
        _addresses.Remove(id);
        _removed.Add(id);
        Publish();
    }

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
