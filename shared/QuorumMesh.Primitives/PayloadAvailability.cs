namespace QuorumMesh.Primitives;

/// <summary>The four answers to "payload for this hash?". Only <see cref="NotAParty"/> lets a node skip the private side.</summary>
public enum PayloadAvailability
{
    /// <summary>The plain payload is in the answer.</summary>
    Here,
    /// <summary>The manager has no record of being a party. The node skips the private side, as GoQuorum does on a 404.</summary>
    NotAParty,

    /// <summary>This participant is a party, but its manager has lost the payload.</summary>
    Missing,

    /// <summary>The manager could not be asked, or could not tell.</summary>
    Unavailable,
}
