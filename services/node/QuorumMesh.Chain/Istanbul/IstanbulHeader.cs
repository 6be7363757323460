using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Istanbul;

/// <summary>Hashes and signers of IBFT 1.0 headers (GoQuorum core/types/istanbul.go and the istanbul engine).</summary>
public static class IstanbulHeader
{
    private const byte CommitMessageCode = 2;

    /// <summary>The mixHash that marks an Istanbul header.</summary>
    public static Hash256 Digest { get; } = Hash256.Parse("0x63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365");

    /// <summary>The hash without committed seals, or null when this is not a decodable Istanbul header.</summary>
    public static Hash256? BlockHash(BlockHeader header) =>
        header.MixHash == Digest && IstanbulExtra.TryDecode(header.ExtraData, out var extra)
            ? HashWith(header, extra with { CommittedSeals = [] })
            : null;

    /// <summary>What the proposer seals: the header without proposer seal and committed seals.</summary>
    public static Hash256 SigningHash(BlockHeader header, IstanbulExtra extra) =>
        HashWith(header, extra with { Seal = [], CommittedSeals = [] });

    /// <summary>The 32 bytes that a proposer's secp256k1 signature is over: the signing hash, hashed once more.</summary>
    public static Hash256 ProposerSealHash(BlockHeader header, IstanbulExtra extra)
    {
        Span<byte> bytes = stackalloc byte[Hash256.Size];
        // Hashed twice, as GoQuorum's Sign hashes the hash it is given (2.5:consensus/istanbul/backend/engine.go sigHash,
        // backend.go Sign).
        SigningHash(header, extra).CopyTo(bytes);
        return Keccak.Hash(bytes);
    }

    /// <summary>The 32 bytes that a committed seal is over: keccak(blockHash ‖ 0x02).</summary>
    public static Hash256 CommittedSealHash(in Hash256 blockHash)
    {
        Span<byte> bytes = stackalloc byte[Hash256.Size + 1];
        blockHash.CopyTo(bytes);
        bytes[Hash256.Size] = CommitMessageCode;
        return Keccak.Hash(bytes);
    }

    /// <summary>The proposer, recovered from the seal in the extra data.</summary>
    public static bool TryRecoverProposer(BlockHeader header, out Address proposer)
    {
        proposer = default;
        return IstanbulExtra.TryDecode(header.ExtraData, out var extra)
            && TryRecoverSigner(ProposerSealHash(header, extra), extra.Seal, out proposer);
    }

    /// <summary>The signers of the committed seals in their order; false when one does not recover.</summary>
    public static bool TryRecoverCommitters(BlockHeader header, out IReadOnlyList<Address> committers)
    {
        var found = new List<Address>();
        committers = found;
        if (!IstanbulExtra.TryDecode(header.ExtraData, out var extra))
            return false;
        var hash = CommittedSealHash(header.Hash);
        foreach (var seal in extra.CommittedSeals)
        {
            if (!TryRecoverSigner(hash, seal, out var signer))
                return false;
            found.Add(signer);
        }
        return true;
    }

    private static bool TryRecoverSigner(in Hash256 hash, ReadOnlySpan<byte> seal, out Address signer)
    {
        signer = default;
        if (seal.Length != IstanbulExtra.SealSize || seal[64] > 3)
            return false;
        Span<byte> bytes = stackalloc byte[Hash256.Size];
        hash.CopyTo(bytes);
        return Secp256k1.TryRecoverAddress(bytes, seal[..64], seal[64], out signer);
    }

    private static Hash256 HashWith(BlockHeader header, IstanbulExtra extra) =>
        Keccak.Hash((header with { ExtraData = extra.Encode() }).Encode());
}
