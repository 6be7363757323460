using QuorumMesh.Tests.Shared.Managers;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Distribution;
using QuorumMesh.TxManager.Core.Keys;

namespace QuorumMesh.TxManager.Core.Tests.Parties;

/// <summary>After a start nobody's keys are known until the managers have been heard again.</summary>
public sealed class FirstRoundTests
{
    private const string UrlA = "http://a.example/";
    private const string UrlB = "http://b.example/";
    private const string UrlC = "http://c.example/";

    private static readonly Contracts.PublicKey KeyA = PartyWorld.Key(1);
    private static readonly Contracts.PublicKey KeyB = PartyWorld.Key(2);
    private static readonly Contracts.PublicKey KeyC = PartyWorld.Key(3);
    private static readonly Contracts.PublicKey Nobody = PartyWorld.Key(9);

    private readonly PartyWorld _world = new();

    [Fact]
    public async Task A_recipient_that_is_not_known_yet_is_waited_for()
    {
        var a = _world.Ours(UrlA, KeyA, null, UrlB);
        _world.Tessera(UrlB, KeyB);
        var resolving = Resolve(a, KeyB);
        await a.PollAsync();
        Assert.False(resolving.IsCompleted);
        Assert.Null(await a.HearAsync(UrlB, [KeyB]));
        Assert.Equal((KeyB, UrlB), Assert.Single(await resolving));
    }

    [Fact]
    public async Task So_is_one_that_a_peer_only_lists()
    {
        var a = _world.Ours(UrlA, KeyA, null, UrlB);
        _world.Tessera(UrlB, KeyB);
        _world.Tessera(UrlC, KeyC);
        _world.Lists[UrlB] = [UrlC];
        var resolving = Resolve(a, KeyC);
        Assert.Null(await a.HearAsync(UrlB, [KeyB]));
        await a.PollAsync();
        Assert.False(resolving.IsCompleted);
        Assert.Null(await a.HearAsync(UrlC, [KeyC]));
        Assert.Equal((KeyC, UrlC), Assert.Single(await resolving));
    }

    [Fact]
    public async Task Once_everybody_was_heard_a_key_that_nobody_has_is_refused_at_once()
    {
        var a = _world.Ours(UrlA, KeyA, null, UrlB);
        _world.Tessera(UrlB, KeyB);
        _world.Lists[UrlB] = [UrlC];
        var resolving = Resolve(a, Nobody);
        Assert.Null(await a.HearAsync(UrlB, [KeyB]));
        await a.PollAsync();
        Assert.False(resolving.IsCompleted);
        // The one that it listed is down.
        await a.PollAsync();
        await AssertNotFound(resolving);
        await AssertNotFound(Resolve(a, Nobody));
    }

    [Fact]
    public async Task A_peer_that_stays_away_is_waited_for_no_longer_than_the_first_round()
    {
        var a = _world.Ours(UrlA, KeyA, null, UrlB);
        var resolving = Resolve(a, KeyB);
        await a.PollAsync();
        _world.Clock.Advance(a.Settings.FirstRound - TimeSpan.FromMilliseconds(1));
        Assert.False(resolving.IsCompleted);
        await TimePassesUntil(resolving);
        await AssertNotFound(resolving);
        await AssertNotFound(Resolve(a, KeyB));
    }

    [Fact]
    public async Task A_manager_that_has_polled_nobody_yet_waits_for_a_while_too_and_a_caller_may_give_up()
    {
        var a = _world.Ours(UrlA, KeyA);
        using var gone = new CancellationTokenSource();
        var given = Resolve(a, KeyB, gone.Token);
        var resolving = Resolve(a, KeyB);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => given.WaitAsync(Wait.Limit));
        await TimePassesUntil(resolving);
        await AssertNotFound(resolving);
    }

    /// <summary>In steps, for a wait may begin between two of them.</summary>
    private async Task TimePassesUntil(Task ended)
    {
        for (var waited = System.Diagnostics.Stopwatch.StartNew(); !ended.IsCompleted && waited.Elapsed < Wait.Limit;)
        {
            _world.Clock.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }
    }

    private static Task<IReadOnlyList<(Contracts.PublicKey Key, string Url)>> Resolve(PartyWorld.Manager manager, Contracts.PublicKey key,
        CancellationToken cancel = default) =>
        new Publisher(new OwnKeys(manager, []), manager.Directory, manager)
            .ResolveAsync([key], Primitives.PrivacyMode.StandardPrivate, cancel);

    private static async Task AssertNotFound(Task resolving)
    {
        var error = await Assert.ThrowsAsync<PrivacyException>(() => resolving.WaitAsync(Wait.Limit));
        Assert.Equal(Failure.KeyNotFound, error.Failure);
        Assert.StartsWith("Recipient not found for key: ", error.Message, StringComparison.Ordinal);
    }
}
