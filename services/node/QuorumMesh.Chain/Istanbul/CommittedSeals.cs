using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Istanbul;

/// <summary>Signatures in the extra data of IBFT and QBFT headers: r ‖ s ‖ recovery id, 65 bytes.</summary>
internal static class CommittedSeals
{
    /// <summary>The signers in the order of their seals; false when one does not recover.</summary>
    public static bool TryRecover(in Hash256 hash, IReadOnlyList<byte[]> seals, out IReadOnlyList<Address> signers)
    {
        var found = new List<Address>(seals.Count);
        signers = found;
        foreach (var seal in seals)
        {
            if (!TryRecover(hash, seal, out var signer)) return false;
            found.Add(signer);
        }
        return true;
    }

    public static bool TryRecover(in Hash256 hash, ReadOnlySpan<byte> seal, out Address signer)
    {
        signer = default;
        if (seal.Length != IstanbulExtra.SealSize || seal[64] > 3) return false;
        Span<byte> bytes = stackalloc byte[Hash256.Size];
        hash.CopyTo(bytes);
        return Secp256k1.TryRecoverAddress(bytes, seal[..64], seal[64], out signer);
    }

    /// <summary>The same seals, whose sizes are right.</summary>
    /// <exception cref="ArgumentException">There is none, or one has another size.</exception>
    public static IReadOnlyList<byte[]> Sized(IReadOnlyList<byte[]> seals) => seals.Count == 0
        ? throw new ArgumentException("a decided block has seals", nameof(seals)) : [.. seals.Select(Sized)];

    /// <exception cref="ArgumentException">Not 65 bytes.</exception>
    public static byte[] Sized(byte[] seal) => seal.Length == IstanbulExtra.SealSize ? seal
        : throw new ArgumentException($"a seal has {IstanbulExtra.SealSize} bytes, not {seal.Length}", nameof(seal));

    /// <summary>Null when the seals are more than F, each of another validator; else the reason in GoQuorum's words.</summary>
    /// <remarks>
    /// More than F, not a quorum: among F+1 is one honest validator, which saw a quorum prepare. GoQuorum asks for no more on import, and
    /// to refuse what it takes would fork this node off (24:consensus/istanbul/qbft/engine/engine.go verifyCommittedSeals, and IBFT's).
    /// </remarks>
    public static string? Refuse(IReadOnlyList<Address> committers, ValidatorSet validators)
    {
        var seen = new HashSet<Address>();
        foreach (var committer in committers)
        {
            if (!validators.Contains(committer)) return $"invalid committed seals: {committer} is no validator";
            if (!seen.Add(committer)) return $"invalid committed seals: {committer} sealed twice";
        }
        return seen.Count > validators.FaultTolerance ? null
            : $"invalid committed seals: {seen.Count} of {validators.Count} validators, more than {validators.FaultTolerance} are needed";
    }
}
