using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Identities;
using QuorumMesh.Tests.Shared.Managers;
using QuorumMesh.TxManager.Core.Parties;

namespace QuorumMesh.TxManager.Core.Tests.Identities;

/// <summary>Managers show each other whose they are; thieves, relays and those that keep quiet get nobody's key.</summary>
public sealed class PeerIdentitiesTests
{
    private const string UrlA = "http://a:9001/", UrlB = "http://b:9001/", UrlX = "http://x:9001/";

    private static readonly PublicKey KeyA = PartyWorld.Key(1), KeyB = PartyWorld.Key(2), KeyB2 = PartyWorld.Key(3);
    private static readonly PublicKey KeyX = PartyWorld.Key(9);

    private readonly PartyWorld _world = new();

    [Fact]
    public async Task A_peers_keys_are_pinned_once_it_is_polled_and_asked_again_only_when_they_change()
    {
        var (a, b) = await PinnedAsync();
        Assert.Equal(b.Identity, a.Book.OwnerOf(KeyB));
        Assert.Equal(b.Identity, Assert.Single(a.Store.Known.Pins).Identity);
        var asked = Asked(UrlB);
        await PollAsync(a);
        Assert.Equal(asked, Asked(UrlB));

        await b.ChangeKeysAsync(Active(KeyB2), Retired(KeyB, KeyB2));
        await PollAsync(a);
        Assert.Equal(asked + 1, Asked(UrlB));
        Assert.Equal(b.Identity, a.Book.OwnerOf(KeyB2));
        Assert.Equal(KeyB2, a.Book.Current(KeyB, follows: true));
        // Also before B's own party info has named it: a send in between must not fail.
        Assert.Equal(UrlB, a.Directory.FindUrl(KeyB2));
    }

    [Fact]
    public async Task A_Tessera_is_asked_nothing_and_its_keys_are_nobodys()
    {
        var a = _world.OursOf(50, UrlA, KeyA, null, UrlB);
        _world.Tessera(UrlB, KeyB);
        Assert.Null(await a.HearAsync(UrlB, [KeyB]));
        await PollAsync(a);
        Assert.Equal(0, Asked(UrlB));
        Assert.Null(a.Book.OwnerOf(KeyB));
        Assert.Equal(UrlB, a.Directory.FindUrl(KeyB));
    }

    [Fact]
    public async Task The_thief_of_a_key_does_not_get_what_is_sent_to_it_whatever_he_shows()
    {
        var (a, b) = await PinnedAsync();
        // B is away; the thief has its key and no identity, or one of his own, and he is even configured.
        _world.Provers.Remove(UrlB);
        _world.Clock.Advance(TimeSpan.FromHours(2));
        _world.Tessera(UrlX, KeyB);
        Assert.Equal(Failure.Unproven, await a.HearAsync(UrlX, [KeyB]));
        var conflict = Assert.Single(a.Book.Conflicts);
        Assert.Equal((KeyB, b.Identity, (PublicKey?)null, UrlX), (conflict.Key, conflict.Pinned, conflict.Claimant, conflict.Url));
        Assert.Single(a.Told, l => l.Contains("shows no identity", StringComparison.Ordinal));

        var thief = _world.OursOf(66, UrlX, KeyB);
        _world.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(Failure.Unproven, await a.HearAsync(UrlX, [KeyB]));
        Assert.Equal(thief.Identity, Assert.Single(a.Book.Conflicts).Claimant);
        // Told once, however often it is claimed.
        for (var i = 0; i < 20; i++)
        {
            _world.Clock.Advance(TimeSpan.FromMinutes(1));
            await a.HearAsync(UrlX, [KeyB]);
        }

        Assert.Single(a.Told, l => l.Contains(thief.Identity.ToBase64(), StringComparison.Ordinal));
        Assert.NotEqual(UrlX, a.Directory.FindUrl(KeyB));
        Assert.True(a.Peers!.Refusals > 20);
    }

    [Fact]
    public async Task A_configured_peers_word_alone_gives_no_key_that_is_pinned()
    {
        var world = new PartyWorld();
        var a = world.OursOf(50, UrlA, KeyA, s => s with { BelievesConfigured = true }, UrlB, UrlX);
        var b = world.OursOf(51, UrlB, KeyB, null, UrlA);
        Assert.Null(await a.HearAsync(UrlB, [KeyB]));
        await a.PollAsync();
        Assert.Equal(b.Identity, a.Book.OwnerOf(KeyB));
        a.Directory.Drop(UrlB, KeyB);
        await a.HearAsync(UrlX, [KeyB]);
        Assert.Null(a.Directory.FindUrl(KeyB));
    }

    [Fact]
    public async Task An_announcement_that_is_handed_on_shows_nothing()
    {
        var (a, b) = await PinnedAsync();
        await b.Own!.RefreshAsync(default);
        var bytes = (await b.Own.AnswerAsync(new byte[32], default))!;
        // What B said to somebody else, what B says to the same question for its own URL, and another's announcement.
        foreach (var answer in new Func<ReadOnlyMemory<byte>, Task<byte[]?>>[]
        {
            _ => Task.FromResult<byte[]?>(bytes.Write()),
            async nonce => (await b.Own.AnswerAsync(nonce, default))!.Write(),
            _ => Task.FromResult<byte[]?>(new byte[300]),
            _ => Task.FromResult<byte[]?>([]),
        })
        {
            _world.Tessera(UrlX, KeyX, KeyB);
            _world.Identities[UrlX] = answer;
            _world.Clock.Advance(TimeSpan.FromMinutes(11));
            await a.HearAsync(UrlX, [KeyB]);
            Assert.Equal(UrlB, a.Directory.FindUrl(KeyB));
        }

        Assert.Contains(a.Told, l => l.Contains("signatures do not hold", StringComparison.Ordinal));
        Assert.Contains(a.Told, l => l.Contains("cannot be read", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_identity_gets_no_key_of_another_member_that_was_never_pinned()
    {
        var a = _world.OursOf(50, UrlA, KeyA, null, UrlX);
        _world.OursOf(51, UrlB, KeyB);
        var x = _world.OursOf(66, UrlX, KeyX);
        var own = _world.Provers[UrlX];
        // It claims B's key too and hands B the challenges that it cannot answer.
        x.Announced = [Active(KeyX), Active(KeyB)];
        _world.Provers[UrlX] = async challenge =>
            Contracts.Payloads.LegacyPayloadCodec.Decode(challenge.Span).RecipientKeys[0] == KeyB
                ? await _world.ProveAsync(UrlB, challenge) : await own(challenge);
        Assert.Null(await a.HearAsync(UrlX, [KeyX]));
        await PollAsync(a);
        Assert.Equal(x.Identity, a.Book.OwnerOf(KeyX));
        Assert.Null(a.Book.OwnerOf(KeyB));
    }

    [Fact]
    public async Task The_thief_of_a_key_whose_owner_has_no_identity_gets_it_pinned_only_once_the_owner_proves_it_no_more()
    {
        var a = _world.OursOf(50, UrlA, KeyA);
        _world.Tessera(UrlB, KeyB);
        Assert.Null(await a.HearAsync(UrlB, [KeyB]));
        var x = _world.OursOf(66, UrlX, KeyX);
        x.Announced = [Active(KeyX), Active(KeyB)];
        await x.Own!.RefreshAsync(default);
        await x.Keys.RefreshAsync(default);
        Assert.Null(await a.HearAsync(UrlX, [KeyX]));
        await PollAsync(a);
        Assert.Equal(x.Identity, a.Book.OwnerOf(KeyX));
        Assert.Null(a.Book.OwnerOf(KeyB));
        Assert.Equal(UrlB, a.Directory.FindUrl(KeyB));

        // It is looked at again, and moves as a key without identities does.
        _world.Provers.Remove(UrlB);
        await PollAsync(a);
        Assert.Null(a.Book.OwnerOf(KeyB));
        for (var waited = TimeSpan.Zero; waited <= a.Settings.KeyMoveAfter; waited += TimeSpan.FromMinutes(1))
        {
            _world.Clock.Advance(TimeSpan.FromMinutes(1));
            await PollAsync(a);
        }

        Assert.Equal(x.Identity, a.Book.OwnerOf(KeyB));
    }

    [Fact]
    public async Task A_key_that_an_operator_accepts_is_revoked_again_by_a_later_announcement_alone()
    {
        var (a, b) = await PinnedAsync();
        await b.ChangeKeysAsync(Active(KeyB2), new AnnouncedKey(KeyB, AnnouncedState.Revoked, KeyB2));
        await PollAsync(a);
        Assert.Throws<PrivacyException>(() => a.Book.Current(KeyB, follows: true));
        await a.Peers!.AcceptAsync(KeyB, b.Identity, default);
        await PollAsync(a);
        Assert.Equal(KeyB, a.Book.Current(KeyB, follows: true));
        // Also after a restart.
        a.Book.Load(a.Store.Known, a.Book.Changes);
        await PollAsync(a);
        Assert.Equal(KeyB, a.Book.Current(KeyB, follows: true));
        var again = new PartyWorld.Manager(_world, a.Settings, KeyA, 50, a.Store);
        Assert.Equal(KeyB, again.Book.Current(KeyB, follows: true));

        await b.ChangeKeysAsync(Active(KeyB2), Active(KeyX), new AnnouncedKey(KeyB, AnnouncedState.Revoked, KeyB2));
        await PollAsync(a);
        Assert.Throws<PrivacyException>(() => a.Book.Current(KeyB, follows: true));
    }

    [Fact]
    public async Task A_manager_that_shows_its_identity_no_more_loses_its_keys_here_until_it_does_again()
    {
        var (a, b) = await PinnedAsync();
        var shows = _world.Identities[UrlB];
        _world.Identities.Remove(UrlB);
        _world.Tags.Remove(UrlB);
        await PollAsync(a);
        Assert.Null(a.Directory.FindUrl(KeyB));
        Assert.Contains("does not show the identity", a.Book.WhyNot(KeyB), StringComparison.Ordinal);

        _world.Identities[UrlB] = shows;
        _world.Tags[UrlB] = () => b.Own!.Tag;
        _world.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(await a.HearAsync(UrlB, [KeyB]));
        await PollAsync(a);
        Assert.Equal(UrlB, a.Directory.FindUrl(KeyB));
        Assert.Empty(a.Book.Conflicts);
    }

    [Fact]
    public async Task An_old_announcement_that_is_played_again_undoes_no_rotation()
    {
        var (a, b) = await PinnedAsync();
        var old = b.Signed(new KeyAnnouncement(b.Identity, _world.Clock.GetUtcNow().ToUnixTimeMilliseconds(), [Active(KeyB)]));
        _world.Clock.Advance(TimeSpan.FromSeconds(1));
        await b.ChangeKeysAsync(Active(KeyB2), Retired(KeyB, KeyB2));
        await PollAsync(a);
        Assert.Equal(KeyB2, a.Book.Current(KeyB, follows: true));

        _world.Identities[UrlB] = async nonce =>
            new IdentityAnswer(await b.SignPresenceAsync(nonce, UrlB, default), old).Write();
        _world.Tags[UrlB] = () => "played again";
        await PollAsync(a);
        Assert.Equal(KeyB2, a.Book.Current(KeyB, follows: true));
        Assert.Contains(a.Told, l => l.Contains("older", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_successor_that_does_not_answer_yet_is_followed_once_it_does()
    {
        var (a, b) = await PinnedAsync();
        var prover = _world.Provers[UrlB];
        _world.Provers[UrlB] = challenge => Contracts.Payloads.LegacyPayloadCodec.Decode(challenge.Span).RecipientKeys[0] == KeyB2
            ? throw new PrivacyException(Failure.Busy, "not now") : prover(challenge);
        await b.ChangeKeysAsync(Active(KeyB2), Retired(KeyB, KeyB2));
        await PollAsync(a);
        Assert.Equal(KeyB, a.Book.Current(KeyB, follows: true));
        _world.Provers[UrlB] = prover;
        await PollAsync(a);
        Assert.Equal(KeyB2, a.Book.Current(KeyB, follows: true));
    }

    [Fact]
    public async Task After_a_restart_pins_stand_before_anybody_is_heard()
    {
        var (a, b) = await PinnedAsync();
        var again = new PartyWorld.Manager(_world, a.Settings, KeyA, 50, a.Store);
        _world.Tessera(UrlX, KeyB);
        Assert.Equal(Failure.Unproven, await again.HearAsync(UrlX, [KeyB]));
        Assert.Null(await again.HearAsync(UrlB, [KeyB]));
        Assert.Equal(UrlB, again.Directory.FindUrl(KeyB));
        Assert.Equal(b.Identity, again.Book.OwnerOf(KeyB));
    }

    [Fact]
    public async Task An_operator_accepts_a_new_identity_or_none()
    {
        var (a, _) = await PinnedAsync();
        var other = _world.OursOf(52, UrlB, KeyB, null, UrlA);
        await other.Own!.RefreshAsync(default);
        await PollAsync(a);
        Assert.Null(a.Directory.FindUrl(KeyB));
        await a.Peers!.AcceptAsync(KeyB, other.Identity, default);
        Assert.Empty(a.Book.Conflicts);
        _world.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(await a.HearAsync(UrlB, [KeyB]));
        Assert.Equal(UrlB, a.Directory.FindUrl(KeyB));
        Assert.Equal(other.Identity, a.Store.Known.Pins.Single(p => p.Key == KeyB).Identity);

        // It goes back to a Tessera.
        _world.Identities.Remove(UrlB);
        _world.Tags.Remove(UrlB);
        _world.Tessera(UrlB, KeyB);
        await PollAsync(a);
        Assert.Null(a.Directory.FindUrl(KeyB));
        await a.Peers.AcceptAsync(KeyB, null, default);
        _world.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(await a.HearAsync(UrlB, [KeyB]));
        Assert.Equal(UrlB, a.Directory.FindUrl(KeyB));
        Assert.Equal(Failure.NotFound,
            (await Assert.ThrowsAsync<PrivacyException>(() => a.Peers.AcceptAsync(KeyB, null, default))).Failure);
    }

    [Fact]
    public async Task Our_own_keys_are_ours_by_our_own_word()
    {
        var (a, _) = await PinnedAsync();
        await a.ChangeKeysAsync(Active(KeyB2), new AnnouncedKey(KeyA, AnnouncedState.Revoked, KeyB2));
        Assert.Equal(a.Identity, a.Book.OwnerOf(KeyA));
        Assert.Throws<PrivacyException>(() => a.Book.Current(KeyA, follows: true));
        _world.Tessera(UrlX, KeyA);
        Assert.Equal(Failure.Unproven, await a.HearAsync(UrlX, [KeyA]));
        // Not ours to keep for others.
        Assert.DoesNotContain(a.Store.Known.Pins, p => p.Key == KeyA);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(31)]
    [InlineData(33)]
    public async Task A_question_of_another_length_is_refused(int length)
    {
        var (a, _) = await PinnedAsync();
        var refused = await Assert.ThrowsAsync<PrivacyException>(() => a.Own!.AnswerAsync(new byte[length], default));
        Assert.Equal(Failure.BadRequest, refused.Failure);
    }

    [Fact]
    public void A_challenge_for_an_identity_is_answered_by_that_identity_at_that_URL_alone()
    {
        var (mine, other) = (PartyWorld.Key(70), PartyWorld.Key(71));
        var text = KeyChallenge.CreateFor(UrlB, mine);
        Assert.True(KeyChallenge.MayAnswer(text, UrlB, mine));
        Assert.False(KeyChallenge.MayAnswer(text, UrlB, other));
        Assert.False(KeyChallenge.MayAnswer(text, UrlB));
        Assert.False(KeyChallenge.MayAnswer(text, UrlX, mine));
        Assert.False(Guid.TryParse(text, out _));
        Assert.InRange(text.Length, 1, KeyChallenge.MaxLength);
        Assert.True(KeyChallenge.MayAnswer(KeyChallenge.CreateNamed(UrlB), UrlB, mine));
    }

    private static AnnouncedKey Active(PublicKey key) => new(key, AnnouncedState.Active);

    private static AnnouncedKey Retired(PublicKey key, PublicKey successor) => new(key, AnnouncedState.Retired, successor);

    private int Asked(string url) => _world.Calls.Count(c => c == url + "identity");

    /// <summary>A, which has pinned B's key.</summary>
    private async Task<(PartyWorld.Manager A, PartyWorld.Manager B)> PinnedAsync()
    {
        var a = _world.OursOf(50, UrlA, KeyA, null, UrlB);
        var b = _world.OursOf(51, UrlB, KeyB, null, UrlA);
        await b.Own!.RefreshAsync(default);
        Assert.Null(await a.HearAsync(UrlB, [KeyB]));
        await PollAsync(a);
        return (a, b);
    }

    private async Task PollAsync(PartyWorld.Manager manager)
    {
        _world.Clock.Advance(TimeSpan.FromSeconds(6));
        await manager.PollAsync();
    }
}
