using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Calls;

/// <summary>What the guard knows of the transactions of one request before they are in the pool.</summary>
internal sealed class PrivateGuardBatch
{
    private readonly Dictionary<Address, List<bool>> _creations = [];

    /// <summary>Contracts that were looked at, and what was found.</summary>
    public Dictionary<Address, PrivateGuardFinding> Judged { get; } = [];

    /// <summary>A creation that was allowed: it counts as one that waits in the pool, for it goes there before those behind it.</summary>
    public void AddCreation(Address from, bool isPrivate)
    {
        if (!_creations.TryGetValue(from, out var own)) _creations[from] = own = [];
        own.Add(isPrivate);
    }

    /// <summary>Whether each of the account's creations so far is private.</summary>
    public IReadOnlyList<bool> CreationsOf(Address from) => _creations.GetValueOrDefault(from) ?? [];
}
