using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Identities;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared.Managers;
using QuorumMesh.TxManager.Core.Identities;
using QuorumMesh.TxManager.Core.Ports;

namespace QuorumMesh.TxManager.Core.Tests.Identities;

/// <summary>Receipts count when the identity has signed them whose keys they name.</summary>
public sealed class ReceiptTests
{
    private const string UrlB = "http://b:9001/";

    private static readonly PublicKey KeyB = PartyWorld.Key(2), KeyX = PartyWorld.Key(9);
    private static readonly DateTimeOffset Noon = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly PartyWorld _world = new();
    private readonly Stored _store = new();
    private readonly Peers _peers = new();
    private readonly PartyWorld.Manager _b;
    private readonly PartyWorld.Manager _x;
    private readonly IdentityBook _book;
    private readonly ReceiptKeeper _keeper;

    public ReceiptTests()
    {
        _b = _world.OursOf(51, UrlB, KeyB);
        _x = _world.OursOf(66, "http://x:9001/", KeyX);
        _book = new IdentityBook(_world.Clock, new Dictionary<PublicKey, PublicKey> { [KeyB] = _b.Identity, [KeyX] = _x.Identity });
        _keeper = new ReceiptKeeper(_book, _store, _peers);
    }

    [Fact]
    public async Task Receipts_of_the_keys_identity_are_fetched_and_kept()
    {
        var first = Signed(_b, new Delivery(Hash(1), KeyB), new Delivery(Hash(2), KeyB));
        _peers.Answers.Enqueue([first, Signed(_b, new Delivery(Hash(3), KeyB)), Signed(_x, new Delivery(Hash(3), KeyB))]);
        await _keeper.FetchAsync(default);
        Assert.Equal(2, _store.Kept.Count);
        Assert.Same(first, _store.Kept[0]);
        Assert.Equal((3, 1, 0), (_keeper.Kept, _keeper.Refused, _keeper.Lost));

        // As many as an answer holds: there may be more.
        _peers.Answers.Enqueue([.. Enumerable.Range(10, ReceiptLists.MaxLists).Select(i => Signed(_b, new Delivery(Numbered(i), KeyB)))]);
        _peers.Answers.Enqueue([Signed(_b, new Delivery(Hash(4), KeyB))]);
        await _keeper.FetchAsync(default);
        Assert.Equal(3 + ReceiptLists.MaxLists + 1, _keeper.Kept);

        _store.IsAway = true;
        _peers.Answers.Enqueue([Signed(_b, new Delivery(Hash(6), KeyB))]);
        await _keeper.FetchAsync(default);
        Assert.Equal(1, _keeper.Lost);
        // A peer that is away is asked again with the next round.
        await _keeper.FetchAsync(default);
    }

    [Fact]
    public async Task What_is_noted_for_a_sender_is_signed_together_and_given_once_and_to_it_alone()
    {
        await _b.Own!.RefreshAsync(default);
        var desk = new ReceiptDesk(_b.Own, _b, _b.Keys, () => Task.FromResult("00000000000000000000000000000001"), _world.Clock);
        byte[] name = [.. Enumerable.Repeat((byte)1, 32)];
        var sender = Convert.ToBase64String(name);
        Assert.Equal(300, desk.Note(sender, Enumerable.Range(0, 300).Select(i => new Delivery(Numbered(i), KeyB))));
        Assert.Equal(0, desk.Note(null, [new Delivery(Hash(1), KeyB)]));
        Assert.Equal(0, desk.Note("no name", [new Delivery(Hash(1), KeyB)]));
        Assert.Equal(0, desk.Note(sender, [null]));
        Assert.Empty(await desk.FetchAsync(new byte[32], default));
        await Assert.ThrowsAsync<PrivacyException>(() => desk.FetchAsync(new byte[31], default));

        // The enclave is away for a moment: nothing is lost.
        _b.SignsNothing = true;
        await Assert.ThrowsAsync<PrivacyException>(() => desk.FetchAsync(name, default));
        _b.SignsNothing = false;
        var lists = (await desk.FetchAsync(name, default)).Select(l => DeliveryReceipts.Read(l)).ToList();
        Assert.Equal([256, 44], lists.Select(l => l.Deliveries.Count).OrderDescending());
        Assert.Equal(300, lists.SelectMany(l => l.Deliveries).Distinct().Count());
        Assert.All(lists, l => Assert.True(_keeper.IsGood(UrlB, l)));
        Assert.Equal(300, desk.Given);
        Assert.Empty(await desk.FetchAsync(name, default));

        // A key that is ours no more signs for nothing, and keeps no other from it.
        desk.Note(sender, [new Delivery(Hash(1), KeyX), new Delivery(Hash(2), KeyB)]);
        var last = DeliveryReceipts.Read(Assert.Single(await desk.FetchAsync(name, default)));
        Assert.Equal(KeyB, Assert.Single(last.Deliveries).Recipient);
    }

    [Fact]
    public async Task Receipts_of_keys_that_are_nobodys_yet_wait_for_their_identity_within_bounds()
    {
        var late = PartyWorld.Key(77);
        var list = Signed(_b, new Delivery(Hash(1), KeyB), new Delivery(Hash(1), late));
        _peers.Answers.Enqueue([list]);
        await _keeper.FetchAsync(default);
        Assert.Empty(_store.Kept);
        _book.Take(_b.Identity, 1, [new KeyPin(late, _b.Identity, AnnouncedState.Active, null, Noon)]);
        await _keeper.FetchAsync(default);
        Assert.Same(list, Assert.Single(_store.Kept));

        for (var i = 0; i < 4; i++)
            _peers.Answers.Enqueue([.. Enumerable.Repeat(Signed(_b, new Delivery(Hash(2), PartyWorld.Key(78))), ReceiptLists.MaxLists)]);
        await _keeper.FetchAsync(default);
        Assert.Equal(2 * ReceiptLists.MaxLists, _keeper.Lost);
        for (var i = 0; i < 700; i++)
            await _keeper.FetchAsync(default);
        Assert.Equal(4 * ReceiptLists.MaxLists, _keeper.Lost);
    }

    [Fact]
    public async Task What_was_signed_for_a_sender_that_has_gone_away_is_given_with_the_next_look()
    {
        await _b.Own!.RefreshAsync(default);
        var desk = new ReceiptDesk(_b.Own, _b, _b.Keys, () => Task.FromResult("00000000000000000000000000000001"), _world.Clock);
        var name = Convert.FromBase64String(Name(1));
        desk.Note(Name(1), Enumerable.Range(0, 600).Select(i => new Delivery(Numbered(i), KeyB)));
        using var gone = new CancellationTokenSource();
        await gone.CancelAsync();
        await Assert.ThrowsAsync<OperationCanceledException>(() => desk.FetchAsync(name, gone.Token));
        Assert.Equal(0, desk.Given);
        var lists = (await desk.FetchAsync(name, default)).Select(l => DeliveryReceipts.Read(l)).ToList();
        Assert.Equal(600, lists.SelectMany(l => l.Deliveries).Distinct().Count());
        Assert.Equal(600, desk.Given);
    }

    [Fact]
    public async Task What_is_noted_is_bounded_and_the_sender_that_stays_away_longest_gives_way()
    {
        await _b.Own!.RefreshAsync(default);
        var desk = new ReceiptDesk(_b.Own, _b, _b.Keys, () => Task.FromResult("00000000000000000000000000000001"), _world.Clock);
        for (var i = 0; i < 70; i++)
        {
            _world.Clock.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(1000, desk.Note(Name(i), Enumerable.Range(0, 1000).Select(n => new Delivery(Numbered(n), KeyB))));
        }

        Assert.Empty(await FetchAsync(0));
        Assert.Equal(1000, (await FetchAsync(69)).Sum(l => DeliveryReceipts.Read(l).Deliveries.Count));
        // One alone does not fill it for ever either.
        Assert.Equal(65_536, desk.Note(Name(100), Enumerable.Range(0, 70_000).Select(n => new Delivery(Numbered(n), KeyB))));
        Assert.Equal(1, desk.Note(Name(101), [new Delivery(Hash(1), KeyB)]));
        for (var i = 200; i < 600; i++)
        {
            _world.Clock.Advance(TimeSpan.FromSeconds(1));
            desk.Note(Name(i), [new Delivery(Hash(1), KeyB)]);
        }

        Assert.Empty(await FetchAsync(200));
        Assert.Single(await FetchAsync(599));

        Task<IReadOnlyList<byte[]>> FetchAsync(int name) => desk.FetchAsync(Convert.FromBase64String(Name(name)), default);
    }

    [Fact]
    public void Forged_receipts_are_refused_and_counted()
    {
        var told = new List<string>();
        _keeper.Told += told.Add;
        var good = Signed(_b, new Delivery(Hash(1), KeyB));
        Assert.True(_keeper.IsGood(UrlB, good));
        DeliveryReceipts[] forged =
        [
            // Another member signs for B's key, in its own name and in B's.
            Signed(_x, new Delivery(Hash(1), KeyB)), Signed(_x, new Delivery(Hash(1), KeyB)) with { Identity = _b.Identity },
            // B's own signature under what it has not signed: another payload, time, store, one more.
            good with { Deliveries = [new Delivery(Hash(2), KeyB)] }, good with { KeptAt = Noon.AddSeconds(1) },
            good with { Store = Guid.NewGuid() }, good with { Deliveries = [new Delivery(Hash(1), KeyB), new Delivery(Hash(3), KeyB)] },
            // B signs for another's key.
            Signed(_b, new Delivery(Hash(1), KeyX)),
        ];
        Assert.All(forged, f => Assert.False(_keeper.IsGood(UrlB, f)));
        Assert.Equal(forged.Length, _keeper.Refused);
        Assert.InRange(told.Count, 1, 3);
        // Of keys that are nobody's yet nothing is said.
        Assert.False(_keeper.IsGood(UrlB, Signed(_b, new Delivery(Hash(1), PartyWorld.Key(77)))));
        Assert.Equal(forged.Length, _keeper.Refused);
    }

    private static string Name(int i) => Convert.ToBase64String([.. BitConverter.GetBytes(i), .. new byte[28]]);

    private static PayloadHash Numbered(int i) => new([.. BitConverter.GetBytes(i), .. new byte[60]]);

    private static PayloadHash Hash(byte b) => new(Enumerable.Repeat(b, 64).ToArray());

    private static DeliveryReceipts Signed(PartyWorld.Manager by, params Delivery[] deliveries)
    {
        var store = new Guid([.. Enumerable.Repeat((byte)4, 16)]);
        return new DeliveryReceipts(
            by.Identity, Noon, store, deliveries, by.SignReceiptsAsync(Noon, store, deliveries, default).Result);
    }

    private sealed class Stored : IReceiptStore
    {
        public List<DeliveryReceipts> Kept { get; } = [];

        public bool IsAway { get; set; }

        public Task SaveReceiptsAsync(IReadOnlyList<DeliveryReceipts> receipts, CancellationToken cancel)
        {
            if (IsAway)
                throw new PrivacyException(Failure.StoreUnavailable, "away");
            Kept.AddRange(receipts);
            return Task.CompletedTask;
        }

        public Task<IReadOnlyList<DeliveryReceipts>> ReceiptsAsync(PayloadHash hash, CancellationToken cancel) =>
            throw new NotSupportedException();
    }

    /// <summary>A manager that has noted pushes of ours, and gives its answers one after the other.</summary>
    private sealed class Peers : IReceiptSource
    {
        public Queue<DeliveryReceipts[]> Answers { get; } = new();

        public IReadOnlyList<string> WithReceipts() => [UrlB];

        public Task<IReadOnlyList<DeliveryReceipts>> FetchReceiptsAsync(string peerUrl, CancellationToken cancel) =>
            Answers.TryDequeue(out var answer) ? Task.FromResult<IReadOnlyList<DeliveryReceipts>>(answer)
                : throw new PrivacyException(Failure.PeerOffline, "away");
    }
}
