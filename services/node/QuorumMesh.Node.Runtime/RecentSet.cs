namespace QuorumMesh.Node.Runtime;

/// <summary>A set that keeps its newest members: adding to a full one drops the oldest.</summary>
internal sealed class RecentSet<T>(int capacity) where T : notnull
{
    private readonly Dictionary<T, LinkedListNode<T>> _members = [];
    private readonly LinkedList<T> _byAge = [];

    public bool Contains(T item) => _members.ContainsKey(item);

    public void Add(T item)
    {
        Remove(item);
        _members[item] = _byAge.AddLast(item);
        if (_members.Count > capacity) Remove(_byAge.First!.Value);
    }

    public void Clear()
    {
        _members.Clear();
        _byAge.Clear();
    }

    public bool Remove(T item)
    {
        if (!_members.Remove(item, out var node)) return false;
        _byAge.Remove(node);
        return true;
    }
}
