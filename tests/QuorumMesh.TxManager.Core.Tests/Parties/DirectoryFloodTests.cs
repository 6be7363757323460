using QuorumMesh.Contracts;
using QuorumMesh.Tests.Shared.Managers;
using QuorumMesh.TxManager.Core;

namespace QuorumMesh.TxManager.Core.Tests.Parties;

/// <summary>What strangers can put into a directory and make it call.</summary>
public sealed class DirectoryFloodTests
{
    private const string UrlA = "http://a:9001/", UrlB = "http://b:9001/", UrlN = "http://n:9001/";

    private static readonly PublicKey KeyA = PartyWorld.Key(1), KeyB = PartyWorld.Key(2), KeyN = PartyWorld.Key(3);

    private readonly PartyWorld _world = new();

    private static string[] Junk(int count, int from = 0) =>
        [.. Enumerable.Range(from, count).Select(i => $"http://10.{i / 250}.0.{i % 250}:9001/")];

    [Fact]
    public async Task Ten_thousand_junk_parties_are_neither_called_nor_spread_and_a_newcomer_still_joins()
    {
        var a = _world.Ours(UrlA, KeyA, null, UrlB);
        _world.Ours(UrlB, KeyB);
        Assert.Null(await a.HearAsync(UrlB, [KeyB]));
        await a.PollAsync();
        _world.Calls.Clear();

        // By a stranger, by one without keys, and in the name of a known manager.
        Assert.NotNull(await a.HearAsync("http://stranger/", [PartyWorld.Key(8)], "10.0.0.9", Junk(10_000)));
        await a.HearAsync("http://nokeys/", [], "10.0.0.9", Junk(10_000));
        Assert.Null(await a.HearAsync(UrlB, [KeyB], "10.0.0.9", Junk(10_000)));
        for (var i = 0; i < 5; i++)
        {
            _world.Clock.Advance(TimeSpan.FromSeconds(5));
            await a.PollAsync();
        }

        Assert.Equal(["http://stranger/", UrlB], _world.Calls.Distinct());
        Assert.Equal([UrlB], a.Directory.Urls());
        Assert.Equal([UrlA, UrlB], (await a.Service.OwnAsync(default)).Parties);

        _world.Ours(UrlN, KeyN);
        Assert.Null(await a.HearAsync(UrlN, [KeyN], "10.0.0.7"));
        Assert.Equal(UrlN, a.Directory.FindUrl(KeyN));
    }

    [Fact]
    public async Task Stranger_that_proves_nothing_causes_one_call_and_many_of_them_few()
    {
        var a = _world.Ours(UrlA, KeyA);
        Assert.Equal(Failure.Unproven,
            await a.HearAsync("http://10.1.1.1/", [.. Enumerable.Range(20, 100).Select(b => PartyWorld.Key((byte)b))]));
        Assert.Single(_world.Calls);

        _world.Calls.Clear();
        a.Told.Clear();
        var answers = new List<Failure?>();
        foreach (var url in Junk(300))
            answers.Add(await a.HearAsync(url, [KeyN], "10.0.0.9"));

        Assert.All(answers, f => Assert.Contains(f!.Value, new[] { Failure.Unproven, Failure.Busy }));
        Assert.InRange(_world.Calls.Count, 1, 16);
        Assert.InRange(a.Told.Count, 1, 30);
        Assert.True(a.Directory.Refusals >= 300);

        // Others are not kept out by that.
        _world.Ours(UrlN, KeyN);
        Assert.Null(await a.HearAsync(UrlN, [KeyN], "10.0.0.7"));
    }

    [Theory]
    [InlineData("http://127.0.0.1:9001/")]
    [InlineData("http://localhost:9001/")]
    [InlineData("http://[::1]:9001/")]
    [InlineData("http://169.254.169.254/")]
    [InlineData("http://[fe80::1]/")]
    [InlineData("http://0.0.0.0:9001/")]
    public async Task Stranger_from_elsewhere_cannot_have_this_machine_called(string url)
    {
        var a = _world.Ours(UrlA, KeyA, null, UrlB);
        _world.Ours(UrlB, KeyB);
        _world.Ours(url, KeyN);
        Assert.Equal(Failure.Forbidden, await a.HearAsync(url, [KeyN], "10.0.0.9"));
        Assert.Empty(_world.Calls);

        _world.Lists[UrlB] = [url];
        Assert.Null(await a.HearAsync(UrlB, [KeyB]));
        await a.PollAsync();
        await a.PollAsync();
        Assert.Equal([UrlB], _world.Calls.Distinct());
        Assert.Null(await a.HearAsync(url, [KeyN], "127.0.0.1"));
    }

    [Fact]
    public async Task Newcomers_have_a_quota_and_push_nobody_out()
    {
        var a = _world.Ours(UrlA, KeyA, s => s with { MaxNewcomers = 3, MaxNewcomersPerHost = 2 }, UrlB);
        _world.Ours(UrlB, KeyB);
        Assert.Null(await a.HearAsync(UrlB, [KeyB]));
        string[] urls = ["http://n:1/", "http://n:2/", "http://n:3/", "http://m:1/", "http://k:1/"];
        var answers = new List<Failure?>();
        for (byte i = 0; i < urls.Length; i++)
        {
            _world.Ours(urls[i], PartyWorld.Key((byte)(50 + i)));
            answers.Add(await a.HearAsync(urls[i], [PartyWorld.Key((byte)(50 + i))]));
        }

        Assert.Equal([null, null, Failure.Busy, null, Failure.Busy], answers);
        Assert.Equal([UrlB, urls[0], urls[1], urls[3]], a.Directory.Urls());
        Assert.Contains(a.Told, l =>
            l.Contains(urls[4], StringComparison.Ordinal) && l.Contains("configured as a peer", StringComparison.Ordinal));

        // One that stays away makes room in the end.
        _world.Provers.Remove(urls[0]);
        _world.Clock.Advance(TimeSpan.FromHours(2));
        await a.PollAsync();
        Assert.Null(await a.HearAsync(urls[4], [PartyWorld.Key(54)]));
    }

    [Fact]
    public async Task Listed_managers_are_taken_from_the_manager_itself_within_its_share_and_hold_up_nobody()
    {
        var a = _world.Ours(UrlA, KeyA, s => s with { MaxUnproven = 30, MaxUnprovenPerVoucher = 40 }, UrlB);
        _world.Ours(UrlB, KeyB);
        _world.Ours(UrlN, KeyN);
        _world.Lists[UrlB] = Junk(100);
        _world.Lists[UrlN] = [.. Junk(100, 200), "not a url", UrlA];
        Assert.Null(await a.HearAsync(UrlB, [KeyB]));
        Assert.Null(await a.HearAsync(UrlN, [KeyN]));
        await a.PollAsync();
        Assert.Contains(a.Told, l => l.Contains("lists", StringComparison.Ordinal) && l.Contains(UrlB, StringComparison.Ordinal));

        _world.Calls.Clear();
        var due = a.Directory.TakeDue(16);
        Assert.Equal(4, due.Count);
        Assert.All(due, u => Assert.StartsWith("http://10.", u, StringComparison.Ordinal));
        Assert.Empty(a.Directory.TakeDue(16));
        _world.Clock.Advance(TimeSpan.FromSeconds(5));
        Assert.Equal([UrlB, UrlN], a.Directory.TakeDue(16).Order());

        // What they list is told to nobody before it has proven a key; then it is.
        Assert.Equal([UrlB, UrlN], a.Directory.Urls().Order());
        _world.Ours(Junk(1)[0], PartyWorld.Key(77));
        Assert.Null(await a.HearAsync(Junk(1)[0], [PartyWorld.Key(77)]));
        Assert.Equal(3, a.Directory.Urls().Count);
    }

    [Fact]
    public async Task Listed_server_that_answers_and_proves_nothing_is_asked_less_and_less_and_forgotten()
    {
        var a = _world.Ours(UrlA, KeyA, null, UrlB);
        _world.Ours(UrlB, KeyB);
        _world.Lists[UrlB] = ["http://printer/"];
        _world.Provers["http://printer/"] = _ => Task.FromResult("<html>");
        Assert.Null(await a.HearAsync(UrlB, [KeyB]));
        for (var i = 0; i < 720; i++)
        {
            await a.PollAsync();
            _world.Clock.Advance(TimeSpan.FromSeconds(5));
        }

        Assert.InRange(_world.Calls.Count(u => u == "http://printer/"), 1, 10);
        Assert.True(_world.Calls.Count(u => u == UrlB) >= 720);
    }

    [Fact]
    public async Task With_discovery_off_only_configured_peers_are_heard_and_called()
    {
        var a = _world.Ours(UrlA, KeyA, s => s with { DiscoveryDisabled = true }, UrlB);
        _world.Ours(UrlB, KeyB);
        _world.Ours(UrlN, KeyN);
        _world.Lists[UrlB] = [UrlN];
        Assert.Null(await a.HearAsync(UrlB, [KeyB], "10.0.0.1", UrlN));
        Assert.Equal(Failure.Forbidden, await a.HearAsync(UrlN, [KeyN]));
        await a.PollAsync();
        Assert.Equal([UrlB], _world.Calls.Distinct());
        Assert.Contains(a.Told, l => l.Contains("is not a known peer", StringComparison.Ordinal));
    }
}
