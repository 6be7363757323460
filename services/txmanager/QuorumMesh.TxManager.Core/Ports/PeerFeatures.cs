namespace QuorumMesh.TxManager.Core.Ports;

/// <summary>What a manager's API versions say that it knows (tessera 0.2).</summary>
[Flags]
public enum PeerFeatures
{
    /// <summary>Standard private transactions in the LEGACY form.</summary>
    None = 0,

    /// <summary>Privacy flags 1 and 3; <c>v2</c>.</summary>
    PrivacyEnhancements = 1,

    /// <summary>Privacy flag 2; <c>4.0</c>.</summary>
    MandatoryRecipients = 2,

    /// <summary>Payloads in CBOR; <c>5.0</c>.</summary>
    Cbor = 4,
}
