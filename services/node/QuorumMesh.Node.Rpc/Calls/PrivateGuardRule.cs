using QuorumMesh.Chain.Storage;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Calls;

/// <summary>What speaks for a public transaction that was meant to be private.</summary>
internal enum PrivateGuardFinding
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>It goes to an address that holds a private contract here and nothing in public.</summary>
    PrivateContract,

    /// <summary>It creates a contract, and its account has made private ones alone so far.</summary>
    PrivateCreator,
}

/// <summary>Decides by facts alone.</summary>
internal static class PrivateGuardRule
{
    /// <param name="isPrivateContract">The address has code in this node's private state.</param>
    /// <param name="isInPublic">The address has code or a balance in the public state; what strangers to a private contract have there
    /// instead of it, an account with a nonce, is nothing.</param>
    public static PrivateGuardFinding ForCall(bool isPrivateContract, bool isInPublic) =>
        isPrivateContract && !isInPublic ? PrivateGuardFinding.PrivateContract : PrivateGuardFinding.None;

    /// <param name="mined">The account's creations in blocks; null while they are not known.</param>
    /// <param name="pending">Whether each of its creations that wait in the pool is private.</param>
    public static PrivateGuardFinding ForCreation(CreationRecord? mined, IReadOnlyCollection<bool> pending)
    {
        if (mined is not { } known) return PrivateGuardFinding.None;
        var hasPublic = known.FirstPublic > 0 || pending.Contains(false);
        var hasPrivate = known.FirstPrivate > 0 || pending.Contains(true);
        return hasPrivate && !hasPublic ? PrivateGuardFinding.PrivateCreator : PrivateGuardFinding.None;
    }
}
