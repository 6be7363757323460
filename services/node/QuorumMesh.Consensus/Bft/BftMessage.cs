using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Bft;

/// <summary>
/// A message whose shape was read and whose signer was recovered (<see cref="BftWire"/>). Whether the signer is a validator, and what
/// stands inside, is for the machine to check. Immutable.
/// </summary>
public abstract record BftMessage
{
    /// <summary>The message set that it belongs to.</summary>
    public required BftProtocol Protocol { get; init; }

    /// <summary>The attempt that it is about.</summary>
    public required BftView View { get; init; }

    /// <summary>Who signed it.</summary>
    public required Address Sender { get; init; }

    /// <summary>Message id within the istanbul protocol.</summary>
    public required int Code { get; init; }

    /// <summary>The bytes on the wire, which are passed on as they are.</summary>
    public required byte[] Payload
    {
        get;
        init
        {
            field = value;
            Id = Keccak.Hash(value);
        }
    }

    /// <summary>r ‖ s ‖ recovery id.</summary>
    public required byte[] Signature { get; init; }

    /// <summary>Hash of the payload: what a peer sends twice has it twice.</summary>
    public Hash256 Id { get; private init; }

    /// <summary>Name of the kind, as GoQuorum's logs have it.</summary>
    public abstract string Kind { get; }

    /// <summary>PREPARE or COMMIT: its sender has the block that it is for.</summary>
    public virtual bool IsVote => false;
}

/// <summary>PRE-PREPARE: the proposer's block.</summary>
internal sealed record PreprepareMessage : BftMessage
{
    public override string Kind => "PRE-PREPARE";

    /// <summary>RLP of the block, not read yet.</summary>
    public required byte[] Block { get; init; }

    /// <summary>QBFT: the round changes that let the round begin; empty in round 0 and in IBFT.</summary>
    public IReadOnlyList<SignedRoundChange> RoundChanges { get; init; } = [];

    /// <summary>QBFT: the votes that prepared the block in an earlier round; empty when none was.</summary>
    public IReadOnlyList<SignedPrepare> Prepares { get; init; } = [];
}

/// <summary>PREPARE: the block may be decided in this round.</summary>
internal sealed record PrepareMessage : BftMessage
{
    public override string Kind => "PREPARE";

    public override bool IsVote => true;

    public required Hash256 Digest { get; init; }
}

/// <summary>COMMIT: a quorum has prepared the block.</summary>
internal sealed record CommitMessage : BftMessage
{
    public override string Kind => "COMMIT";

    public override bool IsVote => true;

    public required Hash256 Digest { get; init; }

    /// <summary>65 bytes for the header.</summary>
    public required byte[] Seal { get; init; }
}

/// <summary>ROUND-CHANGE: no vote of an earlier round will come from its sender.</summary>
internal sealed record RoundChangeMessage : BftMessage
{
    public override string Kind => "ROUND-CHANGE";

    /// <summary>IBFT: what stands where a digest would; zero in every message that GoQuorum sends.</summary>
    public Hash256 Digest { get; init; }

    /// <summary>QBFT: what its sender has seen prepared last.</summary>
    public PreparedClaim? Prepared { get; init; }

    /// <summary>QBFT: RLP of the prepared block; null for none.</summary>
    public byte[]? Block { get; init; }

    /// <summary>QBFT: the votes that prepared it.</summary>
    public IReadOnlyList<SignedPrepare> Prepares { get; init; } = [];
}

/// <summary>A block that a quorum has prepared, and when.</summary>
internal sealed record PreparedClaim(ulong Round, Hash256 Digest);

/// <summary>The signed part of QBFT's PREPARE, as it stands in justifications.</summary>
internal sealed record SignedPrepare(BftView View, Hash256 Digest, byte[] Signature);

/// <summary>The signed part of QBFT's ROUND-CHANGE, as it stands in justifications.</summary>
internal sealed record SignedRoundChange(BftView View, PreparedClaim? Prepared, byte[] Signature);
