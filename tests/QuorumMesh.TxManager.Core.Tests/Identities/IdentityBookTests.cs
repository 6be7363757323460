using Microsoft.Extensions.Time.Testing;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Identities;
using QuorumMesh.Tests.Shared.Managers;
using QuorumMesh.TxManager.Core.Identities;
using QuorumMesh.TxManager.Core.Ports;

namespace QuorumMesh.TxManager.Core.Tests.Identities;

/// <summary>What follows from announcements whose signatures hold.</summary>
public sealed class IdentityBookTests
{
    private static readonly PublicKey Owner = PartyWorld.Key(101), Thief = PartyWorld.Key(102);
    private static readonly PublicKey K1 = PartyWorld.Key(1), K2 = PartyWorld.Key(2), K3 = PartyWorld.Key(3);

    private readonly FakeTimeProvider _clock = new();
    private readonly IdentityBook _book;
    private readonly long _now;

    public IdentityBookTests()
    {
        _book = new IdentityBook(_clock);
        _now = _clock.GetUtcNow().ToUnixTimeMilliseconds();
    }

    [Fact]
    public void A_key_is_pinned_by_its_first_proof_and_not_without_one()
    {
        var announcement = Said(Owner, 1, Active(K1), Active(K2));
        Assert.Equal([K1, K2], _book.ToProve(announcement));
        Take(announcement, K1);
        Assert.Equal(Owner, _book.OwnerOf(K1));
        Assert.Null(_book.OwnerOf(K2));
        Assert.Equal([K2], _book.ToProve(announcement));
        Assert.Equal([K1], Take(Said(Thief, 1, Active(K1)), K1).Contested);
        Assert.Equal(Owner, _book.OwnerOf(K1));
    }

    [Fact]
    public void A_retired_key_leads_to_its_successor_over_all_rotations()
    {
        Take(Said(Owner, 1, Active(K1)), K1);
        Assert.Equal(K1, _book.Current(K1, follows: true));
        Take(Said(Owner, 2, Active(K2), Retired(K1, K2)), K2);
        Assert.Equal(K2, _book.Current(K1, follows: true));
        Assert.Equal(K1, _book.Current(K1, follows: false));
        // The first one is gone at its owner when the second is rotated.
        Take(Said(Owner, 3, Active(K3), Retired(K2, K3)), K3);
        Assert.Equal(K3, _book.Current(K1, follows: true));
        Assert.Equal(PartyWorld.Key(77), _book.Current(PartyWorld.Key(77), follows: true));
    }

    [Fact]
    public void A_successor_that_has_not_confirmed_is_none()
    {
        Take(Said(Owner, 1, Active(K1)), K1);
        Take(Said(Owner, 2, Active(K2), Retired(K1, K2)));
        Assert.Null(_book.OwnerOf(K2));
        Assert.Equal(K1, _book.Current(K1, follows: true));
        // Another's key as a successor: payloads would go to him, unwanted, or be lost.
        Take(Said(Thief, 1, Active(K3)), K3);
        Assert.Equal([K3], Take(Said(Owner, 3, Active(K3), Retired(K1, K3)), K3).Contested);
        Assert.Equal(K1, _book.Current(K1, follows: true));
        // It confirms with a later look at the same announcement.
        Take(Said(Owner, 4, Active(K2), Retired(K1, K2)), K2);
        Assert.Equal(K2, _book.Current(K1, follows: true));
    }

    [Fact]
    public void Who_has_the_old_key_alone_names_no_successor()
    {
        Take(Said(Owner, 1, Active(K1)), K1);
        var verdict = Take(Said(Thief, 99, Active(K2), Retired(K1, K2)), K1, K2);
        Assert.Equal([K1], verdict.Contested);
        Assert.Equal(K1, _book.Current(K1, follows: true));
        Assert.Empty(Take(Said(Thief, 100, Active(K2), Revoked(K1)), K1, K2).Pins);
        Assert.Equal(K1, _book.Current(K1, follows: true));
    }

    [Fact]
    public void Replayed_announcements_change_nothing_and_equal_ones_of_a_second_manager_are_taken()
    {
        Take(Said(Owner, 1, Active(K1)), K1);
        Take(Said(Owner, 5, Active(K2), Retired(K1, K2)), K2);
        Assert.Contains("older", _book.Judge(Said(Owner, 1, Active(K1)), new HashSet<PublicKey>()).Refusal, StringComparison.Ordinal);
        Assert.Contains("older", _book.Judge(Said(Owner, 4, Active(K1)), new HashSet<PublicKey>()).Refusal, StringComparison.Ordinal);
        Assert.Null(_book.Judge(Said(Owner, 3, Active(K2), Retired(K1, K2)), new HashSet<PublicKey>()).Refusal);
        Assert.Equal(K2, _book.Current(K1, follows: true));
        // The owner himself may take the old one back, with a later word.
        Take(Said(Owner, 6, Active(K1), Retired(K2, K1)));
        Assert.Equal(K1, _book.Current(K2, follows: true));
        Assert.Equal(K1, _book.Current(K1, follows: true));
    }

    [Fact]
    public void A_revoked_key_is_refused_in_words_and_stays_revoked()
    {
        Take(Said(Owner, 1, Active(K1), Active(K2)), K1, K2);
        Take(Said(Owner, 2, Active(K2), new AnnouncedKey(K1, AnnouncedState.Revoked, K2)));
        foreach (var follows in new[] { true, false })
        {
            var refused = Assert.Throws<PrivacyException>(() => _book.Current(K1, follows));
            Assert.Equal(Failure.Forbidden, refused.Failure);
            Assert.Contains($"name {K2.ToBase64()} instead", refused.Message, StringComparison.Ordinal);
        }

        Take(Said(Owner, 3, Active(K1), Active(K2)));
        Assert.Throws<PrivacyException>(() => _book.Current(K1, follows: true));
        // A key that nobody has proven is revoked by nobody's word.
        Take(Said(Thief, 1, Revoked(K3)), K3);
        Assert.Equal(K3, _book.Current(K3, follows: true));
    }

    [Fact]
    public void An_announcement_of_the_future_is_refused()
    {
        var ahead = (long)TimeSpan.FromHours(49).TotalMilliseconds;
        var verdict = _book.Judge(Said(Owner, ahead, Active(K1)), new HashSet<PublicKey> { K1 });
        Assert.Contains("future", verdict.Refusal, StringComparison.Ordinal);
    }

    [Fact]
    public void The_configuration_pins_before_every_proof_and_no_route_undoes_it()
    {
        var book = new IdentityBook(_clock, new Dictionary<PublicKey, PublicKey> { [K1] = Owner });
        Assert.Equal([K1], book.Judge(Said(Thief, 1, Active(K1)), new HashSet<PublicKey> { K1 }).Contested);
        // Also over what the store has from before.
        book.Load(new KnownIdentities(
            [new KeyPin(K1, Thief, AnnouncedState.Active, null, _clock.GetUtcNow())], new Dictionary<PublicKey, long>()), book.Changes);
        Assert.Equal(Owner, book.OwnerOf(K1));
        Assert.Throws<PrivacyException>(() => book.Forget(K1));
    }

    [Fact]
    public void What_was_stored_is_known_after_a_restart_and_an_old_look_undoes_no_change()
    {
        Take(Said(Owner, 5, Active(K2)), K2);
        var again = new IdentityBook(_clock);
        again.Load(new KnownIdentities(_book.Pins, new Dictionary<PublicKey, long> { [Owner] = _now + 5 }), again.Changes);
        Assert.Equal(Owner, again.OwnerOf(K2));
        Assert.NotNull(again.Judge(Said(Owner, 4, Active(K1)), new HashSet<PublicKey> { K1 }).Refusal);
        var before = again.Changes;
        again.Take(Owner, _now + 6, [new KeyPin(K3, Owner, AnnouncedState.Active, null, _clock.GetUtcNow())]);
        again.Load(new KnownIdentities([], new Dictionary<PublicKey, long>()), before);
        Assert.Equal(Owner, again.OwnerOf(K3));
    }

    [Fact]
    public void Strangers_fill_the_book_to_its_bound_and_configured_identities_get_in()
    {
        var book = new IdentityBook(_clock, new Dictionary<PublicKey, PublicKey> { [K1] = Owner });
        for (var i = 0; i < 4096; i++)
        {
            var (identity, key) = (Numbered(i, 1), Numbered(i, 2));
            var verdict = book.Judge(Said(identity, 1, Active(key)), new HashSet<PublicKey> { key });
            Assert.Null(verdict.Refusal);
            book.Take(identity, _now + 1, verdict.Pins);
        }

        var one = Numbered(5000, 2);
        Assert.NotNull(book.Judge(Said(Thief, 1, Active(one)), new HashSet<PublicKey> { one }).Refusal);
        Assert.Equal(one, Assert.Single(book.Judge(Said(Owner, 1, Active(one)), new HashSet<PublicKey> { one }).Pins).Key);
    }

    [Fact]
    public void A_full_book_keeps_no_revocation_and_takes_what_there_is_room_for()
    {
        Take(Said(Owner, 1, Active(K1)), K1);
        for (var i = 0; i < 4; i++)
            Fill(Numbered(i, 1), 4000, (byte)(10 + i));
        // Of 20,000 there are 16,001: 3,999 more, of which this one may have all but one.
        Fill(Numbered(5, 1), 3998, 20);
        var verdict = _book.Judge(Said(Owner, 2, Revoked(K1), Retired(K2, K3), Active(K3)), new HashSet<PublicKey> { K2, K3 });
        Assert.Null(verdict.Refusal);
        Assert.Equal([(K1, AnnouncedState.Revoked), (K3, AnnouncedState.Active)], verdict.Pins.Select(p => (p.Key, p.State)));
        Assert.Contains("pinned already", verdict.LeftOut, StringComparison.Ordinal);
        _book.Take(Owner, _now + 2, verdict.Pins);
        Assert.Throws<PrivacyException>(() => _book.Current(K1, follows: true));
        Assert.Contains("pinned already",
            _book.Judge(Said(Thief, 1, Active(K2)), new HashSet<PublicKey> { K2 }).Refusal, StringComparison.Ordinal);

        void Fill(PublicKey identity, int count, byte kind)
        {
            PublicKey[] keys = [.. Enumerable.Range(0, count).Select(n => Numbered(n, kind))];
            Take(Said(identity, 1, [.. keys.Select(Active)]), keys);
        }
    }

    private static PublicKey Numbered(int i, byte kind) => new([kind, .. BitConverter.GetBytes(i), .. new byte[27]]);

    private static AnnouncedKey Active(PublicKey key) => new(key, AnnouncedState.Active);

    private static AnnouncedKey Retired(PublicKey key, PublicKey successor) => new(key, AnnouncedState.Retired, successor);

    private static AnnouncedKey Revoked(PublicKey key) => new(key, AnnouncedState.Revoked);

    private KeyAnnouncement Said(PublicKey identity, long serial, params AnnouncedKey[] keys) => new(identity, _now + serial, keys);

    private BookVerdict Take(KeyAnnouncement announcement, params PublicKey[] proven)
    {
        var verdict = _book.Judge(announcement, proven.ToHashSet());
        Assert.Null(verdict.Refusal);
        _book.Take(announcement.Identity, announcement.Serial, verdict.Pins);
        return verdict;
    }
}
