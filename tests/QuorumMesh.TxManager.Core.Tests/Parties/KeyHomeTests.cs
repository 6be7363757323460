using QuorumMesh.Contracts;
using QuorumMesh.Tests.Shared.Managers;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Parties;

namespace QuorumMesh.TxManager.Core.Tests.Parties;

/// <summary>Nobody gets another's key by saying that he has it.</summary>
public sealed class KeyHomeTests
{
    private const string UrlA = "http://a:9001/", UrlB = "http://b:9001/", UrlX = "http://x:9001/";

    private static readonly PublicKey KeyA = PartyWorld.Key(1), KeyB = PartyWorld.Key(2), KeyX = PartyWorld.Key(9);

    private readonly PartyWorld _world = new();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Challenge_that_a_stranger_hands_on_to_ours_proves_nothing(bool isKnown)
    {
        var a = _world.Ours(UrlA, KeyA);
        _world.Ours(UrlB, KeyB);
        _world.Relay(UrlX, UrlB);
        if (isKnown)
            Assert.Null(await a.HearAsync(UrlB, [KeyB]));
        Assert.Equal(Failure.Unproven, await a.HearAsync(UrlX, [KeyB]));
        Assert.Equal(isKnown ? UrlB : null, a.Directory.FindUrl(KeyB));
        Assert.Contains(a.Told, l => l.Contains(UrlX, StringComparison.Ordinal) && l.Contains("refused", StringComparison.Ordinal));

        // With a key of its own it joins, and still has not B's.
        _world.Provers[UrlX] = async challenge => Contracts.Payloads.LegacyPayloadCodec.Decode(challenge.Span).RecipientKeys[0].Equals(KeyX)
            ? System.Text.Encoding.ASCII.GetString(Contracts.Payloads.LegacyPayloadCodec.Decode(challenge.Span).CipherText)
            : await _world.ProveAsync(UrlB, challenge);
        Assert.Null(await a.HearAsync(UrlX, [KeyX, KeyB]));
        Assert.Equal(UrlX, a.Directory.FindUrl(KeyX));
        Assert.Equal(isKnown ? UrlB : null, a.Directory.FindUrl(KeyB));
    }

    [Fact]
    public async Task Key_of_a_Tessera_stays_where_it_was_proven_first()
    {
        var a = _world.Ours(UrlA, KeyA);
        _world.Tessera(UrlB, KeyB);
        _world.Relay(UrlX, UrlB);
        Assert.Null(await a.HearAsync(UrlB, [KeyB]));
        Assert.Equal(Failure.Unproven, await a.HearAsync(UrlX, [KeyB]));
        Assert.Equal(UrlB, a.Directory.FindUrl(KeyB));
        Assert.Contains(a.Told, l => l.Contains("stays where it is", StringComparison.Ordinal));

        // Said again and again it fills no log, and the one who says it is spread to nobody.
        for (var i = 0; i < 60; i++)
        {
            _world.Clock.Advance(TimeSpan.FromSeconds(5));
            Assert.Equal(Failure.Unproven, await a.HearAsync(UrlX, [KeyB]));
        }

        Assert.InRange(a.Told.Count(l => l.Contains("stays where it is", StringComparison.Ordinal)), 1, 2);
        Assert.Equal([UrlB], a.Directory.Urls());

        // Its manager goes away for some seconds, and the stranger can prove the key all the same.
        _world.Tessera(UrlX, KeyB);
        _world.Provers.Remove(UrlB);
        a.Directory.ReportFailure(UrlB);
        _world.Clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Equal(Failure.Unproven, await a.HearAsync(UrlX, [KeyB]));
        Assert.Equal(UrlB, a.Directory.FindUrl(KeyB));
    }

    [Fact]
    public async Task Key_moves_when_its_URL_has_not_proven_it_for_the_set_time_and_that_is_said_aloud()
    {
        var a = _world.Ours(UrlA, KeyA, s => s with { KeyMoveAfter = TimeSpan.FromMinutes(30) });
        _world.Tessera(UrlB, KeyB);
        Assert.Null(await a.HearAsync(UrlB, [KeyB]));
        _world.Provers.Remove(UrlB);
        _world.Tessera(UrlX, KeyB);
        for (var minute = 0; minute < 30; minute += 5)
        {
            Assert.Equal(Failure.Unproven, await a.HearAsync(UrlX, [KeyB]));
            _world.Clock.Advance(TimeSpan.FromMinutes(5));
        }

        Assert.Equal(UrlB, a.Directory.FindUrl(KeyB));
        Assert.DoesNotContain(a.Told, l => l.Contains("MOVES", StringComparison.Ordinal));
        Assert.Null(await a.HearAsync(UrlX, [KeyB]));
        Assert.Equal(UrlX, a.Directory.FindUrl(KeyB));
        Assert.Contains(a.Told, l =>
            l.Contains("MOVES", StringComparison.Ordinal) && l.Contains(UrlB, StringComparison.Ordinal)
                && l.Contains(UrlX, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Return_of_the_old_URL_between_two_claims_starts_the_set_time_anew()
    {
        var a = _world.Ours(UrlA, KeyA, s => s with { KeyMoveAfter = TimeSpan.FromMinutes(30) });
        _world.Tessera(UrlB, KeyB);
        Assert.Null(await a.HearAsync(UrlB, [KeyB]));
        await a.PollAsync();
        _world.Provers.Remove(UrlB);
        _world.Tessera(UrlX, KeyB);
        Assert.Equal(Failure.Unproven, await a.HearAsync(UrlX, [KeyB]));

        _world.Clock.Advance(TimeSpan.FromMinutes(15));
        _world.Tessera(UrlB, KeyB);
        await a.PollAsync();
        _world.Provers.Remove(UrlB);
        _world.Clock.Advance(TimeSpan.FromMinutes(16));
        Assert.Equal(Failure.Unproven, await a.HearAsync(UrlX, [KeyB]));
        Assert.Equal(UrlB, a.Directory.FindUrl(KeyB));
    }

    [Fact]
    public async Task Key_moves_at_once_to_a_configured_URL()
    {
        var a = _world.Ours(UrlA, KeyA, null, UrlX);
        _world.Tessera(UrlB, KeyB);
        Assert.Null(await a.HearAsync(UrlB, [KeyB]));
        _world.Ours(UrlX, KeyB);
        Assert.Null(await a.HearAsync(UrlX, [KeyB]));
        Assert.Equal(UrlX, a.Directory.FindUrl(KeyB));
        Assert.Contains(a.Told, l => l.Contains("MOVES", StringComparison.Ordinal) && l.Contains("configured", StringComparison.Ordinal));
        Assert.Equal(Failure.Unproven, await a.HearAsync(UrlB, [KeyB]));
        Assert.Equal(UrlX, a.Directory.FindUrl(KeyB));
    }

    [Fact]
    public async Task Two_managers_of_one_participant_are_both_used_when_both_are_configured_and_ours()
    {
        var a = _world.Ours(UrlA, KeyA, null, UrlB, UrlX);
        _world.Ours(UrlB, KeyB);
        _world.Ours(UrlX, KeyB);
        Assert.Null(await a.HearAsync(UrlB, [KeyB]));
        Assert.Null(await a.HearAsync(UrlX, [KeyB]));
        Assert.Equal(UrlB, a.Directory.FindUrl(KeyB));
        a.Directory.ReportFailure(UrlB);
        Assert.Equal(UrlX, a.Directory.FindUrl(KeyB));
    }

    [Fact]
    public async Task Configured_member_does_not_take_the_key_of_another_one_by_handing_on()
    {
        var a = _world.Ours(UrlA, KeyA, null, UrlB, UrlX);
        _world.Tessera(UrlB, KeyB);
        _world.Relay(UrlX, UrlB);
        Assert.Null(await a.HearAsync(UrlB, [KeyB]));
        Assert.Equal(Failure.Unproven, await a.HearAsync(UrlX, [KeyB]));
        a.Directory.ReportFailure(UrlB);
        Assert.Equal(UrlB, a.Directory.FindUrl(KeyB));
    }

    [Fact]
    public async Task Party_info_in_another_name_takes_no_key_away_and_a_true_one_does()
    {
        var a = _world.Ours(UrlA, KeyA);
        _world.Tessera(UrlB, KeyB, KeyX);
        Assert.Null(await a.HearAsync(UrlB, [KeyB, KeyX]));
        foreach (var forged in new PublicKey[][] { [], [KeyX], [PartyWorld.Key(7)] })
        {
            _world.Clock.Advance(TimeSpan.FromMinutes(1));
            await a.HearAsync(UrlB, forged);
            Assert.Equal(UrlB, a.Directory.FindUrl(KeyB));
            Assert.Equal(UrlB, a.Directory.FindUrl(KeyX));
        }

        _world.Tessera(UrlB, KeyB);
        _world.Clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Null(await a.HearAsync(UrlB, [KeyB]));
        Assert.Equal(UrlB, a.Directory.FindUrl(KeyB));
        Assert.Null(a.Directory.FindUrl(KeyX));
    }

    [Fact]
    public void Challenges_name_the_URL_that_they_are_for()
    {
        for (var i = 0; i < 100; i++)
        {
            var text = KeyChallenge.Create(UrlB);
            Assert.True(Guid.TryParseExact(text, "D", out var uuid));
            Assert.Equal(8, uuid.Version);
            Assert.True(KeyChallenge.MayAnswer(text, UrlB));
            Assert.False(KeyChallenge.MayAnswer(text, UrlX));
        }

        Assert.NotEqual(KeyChallenge.Create(UrlB), KeyChallenge.Create(UrlB));
        var named = KeyChallenge.CreateNamed(UrlB);
        Assert.False(Guid.TryParse(named, out _));
        Assert.True(KeyChallenge.MayAnswer(named, UrlB));
        Assert.False(KeyChallenge.MayAnswer(named, UrlX));

        // A Tessera's own: any random UUID.
        Assert.True(KeyChallenge.MayAnswer("7a3f0c52-9d1e-4b86-a2c7-3e5f60718293", UrlB));
        Assert.True(KeyChallenge.MayAnswer("7A3F0C52-9D1E-4B86-A2C7-3E5F60718293", UrlB));
        foreach (
            var other in new[] { string.Empty, "1-1-1-1-1", "a secret payload", "quorummesh-key ", $"quorummesh-key {UrlB}",
                "{7a3f0c52-9d1e-4b86-a2c7-3e5f60718293}" })
            Assert.False(KeyChallenge.MayAnswer(other, UrlB));
    }

    [Fact]
    public async Task A_configured_peer_is_believed_where_keys_are_not_validated_and_a_newcomer_is_not()
    {
        var a = _world.Ours(UrlA, KeyA, s => s with { BelievesConfigured = true }, UrlB);
        // B is down, so that it proves nothing.
        Assert.Null(await a.HearAsync(UrlB, [KeyB]));
        Assert.Equal(UrlB, a.Directory.FindUrl(KeyB));
        Assert.Equal(Failure.Unproven, await a.HearAsync(UrlX, [KeyX]));
        Assert.Null(a.Directory.FindUrl(KeyX));
    }

    [Fact]
    public async Task A_key_that_was_only_believed_gives_way_at_once_to_whoever_proves_it()
    {
        var a = _world.Ours(UrlA, KeyA, s => s with { BelievesConfigured = true }, UrlB);
        _world.Tessera(UrlB, KeyB);
        // In B's name, by anyone.
        Assert.Null(await a.HearAsync(UrlB, [KeyB, KeyX]));
        Assert.Equal(UrlB, a.Directory.FindUrl(KeyX));
        _world.Tessera(UrlX, KeyX);
        Assert.Null(await a.HearAsync(UrlX, [KeyX]));
        Assert.Equal(UrlX, a.Directory.FindUrl(KeyX));
        // Once somebody has proven it, it is not believed to be elsewhere.
        await a.HearAsync(UrlB, [KeyB, KeyX]);
        Assert.Equal(UrlX, a.Directory.FindUrl(KeyX));

        // And what B proves stays B's.
        _world.Relay(UrlX, UrlB);
        Assert.Equal(Failure.Unproven, await a.HearAsync(UrlX, [KeyB]));
        Assert.Equal(UrlB, a.Directory.FindUrl(KeyB));
    }
}
