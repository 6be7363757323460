using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Discovery;

/// <summary>
/// Nodes that have proven their endpoint, in buckets by their distance from this node (Kademlia, as GoQuorum's p2p/discover/table.go): 17
/// buckets of 16, with 10 that wait for a place each; of a subnet outside of private networks 2 a bucket and 10 in all.
/// </summary>
internal sealed class NodeTable(Hash256 self)
{
    public const int BucketSize = 16;
    private const int Buckets = 17;
    private const int Waiting = 10;
    private const int LeastDistance = (Hash256.Size * 8) - Buckets;
    private const int SubnetInBucket = 2;
    private const int SubnetInTable = 10;

    private readonly List<FoundNode>[] _buckets = [.. Enumerable.Range(0, Buckets).Select(static _ => new List<FoundNode>())];
    private readonly List<FoundNode>[] _waiting = [.. Enumerable.Range(0, Buckets).Select(static _ => new List<FoundNode>())];

    public int Count => _buckets.Sum(static bucket => bucket.Count);

    public IEnumerable<FoundNode> Nodes => _buckets.SelectMany(static bucket => bucket);

    /// <summary>Takes a node, or what is new of one that is there. One too many in its bucket waits for a place.</summary>
    /// <returns>Whether it is in its bucket now.</returns>
    public bool Add(FoundNode node)
    {
        if (node.Id == self) return false;
        var index = IndexOf(node.Id);
        var (bucket, waiting) = (_buckets[index], _waiting[index]);
        var at = bucket.FindIndex(known => known.Id == node.Id);
        if (at >= 0)
        {
            if (bucket[at].Udp.Equals(node.Udp) && bucket[at].TcpPort == node.TcpPort) return true;
            // One that moves is counted at its new address.
            var before = bucket[at];
            bucket.RemoveAt(at);
            var fits = Fits(node, bucket);
            bucket.Insert(at, fits ? node : before);
            return fits;
        }
        waiting.RemoveAll(known => known.Id == node.Id);
        if (!Fits(node, bucket)) return false;
        if (bucket.Count < BucketSize)
        {
            bucket.Add(node);
            return true;
        }
        waiting.Add(node);
        if (waiting.Count > Waiting) waiting.RemoveAt(0);
        return false;
    }

    /// <summary>One that answers no more makes room for the last one that waits.</summary>
    public void Remove(in Hash256 id)
    {
        var (index, gone) = (IndexOf(id), id);
        _waiting[index].RemoveAll(known => known.Id == gone);
        if (_buckets[index].RemoveAll(known => known.Id == gone) == 0) return;
        for (var at = _waiting[index].Count - 1; at >= 0; at--)
        {
            var next = _waiting[index][at];
            _waiting[index].RemoveAt(at);
            if (!Fits(next, _buckets[index])) continue;
            _buckets[index].Add(next);
            return;
        }
    }

    public FoundNode? Find(Hash256 id) => _buckets[IndexOf(id)].Find(known => known.Id == id);

    /// <summary>The nearest to a target, nearest first.</summary>
    public List<FoundNode> Nearest(Hash256 target, int count)
    {
        var nodes = Nodes.ToList();
        nodes.Sort((a, b) => FoundNode.Nearer(target, a.Id, b.Id));
        return nodes.Count > count ? nodes.GetRange(0, count) : nodes;
    }

    private bool Fits(FoundNode node, List<FoundNode> bucket)
    {
        if (AddressRules.IsLan(node.Udp.Address)) return true;
        var subnet = AddressRules.Subnet(node.Udp.Address);
        return bucket.Count(Shares) < SubnetInBucket && Nodes.Count(Shares) < SubnetInTable;
        bool Shares(FoundNode other) => AddressRules.Subnet(other.Udp.Address) == subnet;
    }

    private int IndexOf(in Hash256 id) => Math.Max(0, FoundNode.Distance(self, id) - LeastDistance - 1);
}
