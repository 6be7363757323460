namespace QuorumMesh.Primitives;

/// <summary>
/// How a private transaction is held to its parties: GoQuorum's privacyFlag, Tessera's PrivacyMode. The numbers go over the wire and into
/// encoded payloads.
/// </summary>
public enum PrivacyMode : byte
{
    /// <summary>Every transaction has parties of its own; nothing is checked.</summary>
    StandardPrivate = 0,

    /// <summary>Only parties of a contract's creation may change it.</summary>
    PartyProtection = 1,

    /// <summary>
    /// As <see cref="PartyProtection"/>, and every later transaction of the contract must have the recipients that its creation names.
    /// </summary>
    MandatoryRecipients = 2,

    /// <summary>All transactions of a contract have the same parties, and each of them compares the state afterwards.</summary>
    PrivateStateValidation = 3,
}
