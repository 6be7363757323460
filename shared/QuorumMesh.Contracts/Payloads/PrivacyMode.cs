namespace QuorumMesh.Contracts.Payloads;

/// <summary>Tessera's privacy flags (tessera 8).</summary>
public enum PrivacyMode : byte
{
    StandardPrivate = 0,
    PartyProtection = 1,
    MandatoryRecipients = 2,
    PrivateStateValidation = 3,
}
