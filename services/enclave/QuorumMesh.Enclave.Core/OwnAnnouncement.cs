using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Identities;

namespace QuorumMesh.Enclave.Core;

/// <summary>What an enclave's identity says of the enclave's own keys. Worded here alone: no caller chooses a word of it.</summary>
public static class OwnAnnouncement
{
    /// <summary>How far a serial may lie before this machine's clock: more, and peers would refuse it.</summary>
    public static readonly TimeSpan MaxAhead = TimeSpan.FromHours(24);

    /// <summary>
    /// Active keys, retired ones with the active key of their name as successor, and revoked ones. A key that was retired without a
    /// successor is left out: nobody is to name it.
    /// </summary>
    /// <param name="after">The serial of the announcement before.</param>
    /// <param name="now">The serial, unless the one before is later.</param>
    /// <exception cref="InvalidCipherException">The announcement before lies more than a day ahead of the clock.</exception>
    public static SignedAnnouncement Make(KeyRing ring, IdentityKey identity, long after, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(ring);
        ArgumentNullException.ThrowIfNull(identity);
        var clock = now.ToUnixTimeMilliseconds();
        if (after < 0 || after > clock + (long)MaxAhead.TotalMilliseconds)
            throw new InvalidCipherException("the announcement before was made more than a day after now: set this machine's clock");
        var announcement = new KeyAnnouncement(new PublicKey(identity.PublicKey), Math.Max(clock, after + 1), [.. Keys(ring)]);
        var bytes = KeyAnnouncementCodec.Encode(announcement);
        return new SignedAnnouncement(announcement, bytes, identity.Sign(IdentityStatement.OwnKeys(bytes)));
    }

    private static IEnumerable<AnnouncedKey> Keys(KeyRing ring)
    {
        var revoked = ring.Revoked.ToDictionary(r => r.Key);
        foreach (var pair in ring.Keys.Where(k => !revoked.ContainsKey(k.PublicKey)))
            if (pair.State == EnclaveKeyState.Active)
                yield return new AnnouncedKey(pair.PublicKey, AnnouncedState.Active);
            else if (ring.Keys.FirstOrDefault(a => a.State == EnclaveKeyState.Active && a.Id == pair.Id) is { } successor)
                yield return new AnnouncedKey(pair.PublicKey, AnnouncedState.Retired, successor.PublicKey);
        foreach (var (key, successor) in ring.Revoked)
            yield return new AnnouncedKey(key, AnnouncedState.Revoked, Active(ring, successor));
    }

    /// <summary>A successor that was itself rotated since is the key that seals for it now.</summary>
    private static PublicKey? Active(KeyRing ring, PublicKey? key)
    {
        if (key is null || ring.Find(key) is not { } pair)
            return null;
        return pair.State == EnclaveKeyState.Active
            ? key
            : ring.Keys.FirstOrDefault(a => a.State == EnclaveKeyState.Active && a.Id == pair.Id)?.PublicKey;
    }
}
