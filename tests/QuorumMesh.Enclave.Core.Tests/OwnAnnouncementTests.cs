using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Identities;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Enclave.Core.Tests;

/// <summary>What an enclave says of its own keys.</summary>
public sealed class OwnAnnouncementTests
{
    private static readonly DateTimeOffset Noon = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);
    private static readonly PublicKey Gone = new([.. Enumerable.Repeat((byte)7, 32)]);

    [Fact]
    public void Active_retired_and_revoked_keys_are_named_with_the_key_that_seals_now()
    {
        using var identity = Identity();
        var made = OwnAnnouncement.Make(
            new KeyRing([Samples.SenderPair(), Samples.RecipientPair(EnclaveKeyState.Retired)], [new RevokedKey(Gone, Samples.Recipient)]),
            identity, 0, Noon);
        Assert.Equal(new PublicKey(identity.PublicKey), made.Announcement.Identity);
        Assert.Equal(Noon.ToUnixTimeMilliseconds(), made.Announcement.Serial);
        Assert.Equal(
            [
                new AnnouncedKey(Samples.Sender, AnnouncedState.Active),
                new AnnouncedKey(Samples.Recipient, AnnouncedState.Retired, Samples.Sender),
                new AnnouncedKey(Gone, AnnouncedState.Revoked, Samples.Sender),
            ], made.Announcement.Keys);
        Assert.True(IdentityKey.Verify(identity.PublicKey, IdentityStatement.OwnKeys(made.Bytes), made.Signature));
        Assert.Equal(made.Bytes, KeyAnnouncementCodec.Encode(KeyAnnouncementCodec.Decode(made.Bytes)));
    }

    [Fact]
    public void A_retired_key_that_is_revoked_is_said_once_and_an_active_one_cannot_be()
    {
        using var identity = Identity();
        var ring = new KeyRing(
            [Samples.SenderPair(), Samples.RecipientPair(EnclaveKeyState.Retired)], [new RevokedKey(Samples.Recipient, null)]);
        var keys = OwnAnnouncement.Make(ring, identity, 0, Noon).Announcement.Keys;
        Assert.Equal([AnnouncedState.Active, AnnouncedState.Revoked], keys.Select(k => k.State));
        // It still opens what was sealed for it.
        Assert.NotNull(ring.Find(Samples.Recipient));
        var refused = Assert.Throws<ArgumentException>(() => new KeyRing([Samples.SenderPair()], [new RevokedKey(Samples.Sender, null)]));
        Assert.Contains("rotate it first", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_serial_is_later_than_the_one_before_whatever_the_clock_says()
    {
        using var identity = Identity();
        var ring = new KeyRing([Samples.SenderPair()]);
        var clock = Noon.ToUnixTimeMilliseconds();
        Assert.Equal(clock + 6, OwnAnnouncement.Make(ring, identity, clock + 5, Noon).Announcement.Serial);
        Assert.Equal(clock, OwnAnnouncement.Make(ring, identity, clock - 5, Noon).Announcement.Serial);
        var day = (long)OwnAnnouncement.MaxAhead.TotalMilliseconds;
        Assert.Throws<InvalidCipherException>(() => OwnAnnouncement.Make(ring, identity, clock + day + 1, Noon));
        Assert.Throws<InvalidCipherException>(() => OwnAnnouncement.Make(ring, identity, -1, Noon));
    }

    private static IdentityKey Identity()
    {
        using var seed = SecretBuffer.CopyOf([.. Enumerable.Repeat((byte)3, 32)]);
        return new IdentityKey(seed);
    }
}
