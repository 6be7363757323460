namespace QuorumMesh.Consensus.Bft;

/// <summary>Why a message of the network had no effect.</summary>
public enum BftRefusal
{
    /// <summary>It was taken.</summary>
    None,

    /// <summary>Of a view that is over, or known already. No fault.</summary>
    Old,

    /// <summary>Of a view that has not begun: kept for later as far as there is room. No fault.</summary>
    Future,

    /// <summary>More bytes than any block may have.</summary>
    TooLarge,

    /// <summary>Not the RLP of a message of that code.</summary>
    Malformed,

    /// <summary>No signer can be recovered, or it is not the one that the message names.</summary>
    BadSignature,

    /// <summary>The signer is no validator of this height.</summary>
    UnknownSender,

    /// <summary>A message of the other protocol.</summary>
    WrongProtocol,

    /// <summary>A proposal by another than the round's proposer.</summary>
    NotTheProposer,

    /// <summary>The proposed bytes are no block of this height.</summary>
    BadBlock,

    /// <summary>The round changes or prepares inside do not bear out what the message claims.</summary>
    Unjustified,

    /// <summary>The committed seal is not its sender's over this block and round.</summary>
    BadSeal,

    /// <summary>The sender has said something else in this view before.</summary>
    Equivocation,
}

/// <summary>Names of refusals for people and counters.</summary>
public static class BftRefusalNames
{
    /// <summary>The reason as metrics and logs name it.</summary>
    public static string Name(this BftRefusal refusal) => refusal switch
    {
        BftRefusal.None => "none",
        BftRefusal.Old => "old",
        BftRefusal.Future => "future",
        BftRefusal.TooLarge => "too-large",
        BftRefusal.Malformed => "malformed",
        BftRefusal.BadSignature => "bad-signature",
        BftRefusal.UnknownSender => "unknown-sender",
        BftRefusal.WrongProtocol => "wrong-protocol",
        BftRefusal.NotTheProposer => "not-the-proposer",
        BftRefusal.BadBlock => "bad-block",
        BftRefusal.Unjustified => "unjustified",
        BftRefusal.BadSeal => "bad-seal",
        BftRefusal.Equivocation => "equivocation",
        _ => throw new ArgumentOutOfRangeException(nameof(refusal)),
    };
}
