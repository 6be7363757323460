namespace QuorumMesh.Contracts.Identities;

/// <summary>How an identity's key stands; the numbers are on the wire and in rows.</summary>
public enum AnnouncedState
{
    /// <summary>Seals and opens.</summary>
    Active = 1,

    /// <summary>Opens what was sealed for it; new payloads are for its successor.</summary>
    Retired = 2,

    /// <summary>Nothing is to be sealed for it any more, for somebody else may have it. Final.</summary>
    Revoked = 3,
}

/// <summary>A key that an identity speaks for.</summary>
/// <param name="Key">X25519, 32 bytes.</param>
/// <param name="Successor">
/// Of a retired key an active one of the same announcement; of a revoked one that too, or null; of an active one null.
/// </param>
public sealed record AnnouncedKey(PublicKey Key, AnnouncedState State, PublicKey? Successor = null);

/// <summary>
/// What an enclave's identity says of the keys that are or were its own, between managers of ours; its bytes are those of
/// <see cref="KeyAnnouncementCodec"/>, and the identity signs them. It shows who speaks, not that he has the keys: that each key proves.
/// </summary>
/// <param name="Identity">Ed25519, 32 bytes.</param>
/// <param name="Serial">Grows with every announcement of the identity; about the milliseconds since 1970 when it was made.</param>
/// <param name="Keys">The default key first.</param>
public sealed record KeyAnnouncement(PublicKey Identity, long Serial, IReadOnlyList<AnnouncedKey> Keys);

/// <summary>An announcement as it came, with the identity's signature over its bytes (64 bytes).</summary>
public sealed record SignedAnnouncement(KeyAnnouncement Announcement, byte[] Bytes, byte[] Signature);
