using QuorumMesh.Primitives;

namespace QuorumMesh.State.Trie;

/// <summary>Where a stored node lies: in the account trie (no owner) or in the storage trie of its owner.</summary>
internal readonly struct TrieNodeKey(in Address? owner, in NibblePath path) : IEquatable<TrieNodeKey>
{
    private readonly Address _owner = owner ?? default;

    public readonly bool IsStorage = owner.HasValue;
    public readonly NibblePath Path = path;

    public Address Owner => _owner;

    public bool Equals(TrieNodeKey other) => IsStorage == other.IsStorage && Path.Equals(other.Path) && _owner == other._owner;

    public override bool Equals(object? obj) => obj is TrieNodeKey other && Equals(other);

    public override int GetHashCode() => IsStorage ? HashCode.Combine(Path.GetHashCode(), _owner) : Path.GetHashCode();

    public override string ToString() => IsStorage ? $"storage trie of {_owner} at '{Path}'" : $"account trie at '{Path}'";
}
