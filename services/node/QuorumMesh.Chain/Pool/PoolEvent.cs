namespace QuorumMesh.Chain.Pool;

public enum PoolEventKind
{
    /// <summary>Taken in.</summary>
    Added,
    /// <summary>Executable now: announce it and offer it to the minter.</summary>
    Promoted,
    /// <summary>Behind a gap again.</summary>
    Demoted,
    /// <summary>In a block.</summary>
    Mined,
    /// <summary>Given up, for the reason stated.</summary>
    Dropped,
    /// <summary>Pushed out by another of the same nonce.</summary>
    Replaced,
}

/// <param name="Reason">For Dropped and Replaced.</param>
public readonly record struct PoolEvent(PoolEventKind Kind, RecoveredTransaction Transaction, string? Reason = null);

/// <param name="Error">GoQuorum's text when the transaction was refused.</param>
public readonly record struct PoolAddResult(string? Error, IReadOnlyList<PoolEvent> Events)
{
    public bool IsAccepted => Error is null;
}
