using System.Buffers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Identities;
using QuorumMesh.Contracts.Parties;
using QuorumMesh.Outbound;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Rest.P2P;

namespace QuorumMesh.TxManager.Rest.Tests.P2P;

/// <summary>Receipts are fetched from whom they are due, by a name that nobody else knows, and no more than are due.</summary>
public sealed class ReceiptFetchTests : IAsyncLifetime, IDisposable
{
    private readonly PeerClient _client = new(new PeerClientOptions(), new OutboundHandlers());
    private WebApplication _peer = null!;
    private string? _said = "1";
    private string? _name;
    private string? _tag = "a tag";
    private byte[] _asked = [];
    private int _status = 200;
    private byte[] _answer = [];

    private string Url => _peer.Urls.First() + "/";

    public async Task InitializeAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        _peer = builder.Build();
        _peer.Urls.Add("http://127.0.0.1:0");
        _peer.MapPost("/push", http =>
        {
            _name = http.Request.Headers[RestHeaders.Receipt];
            if (_said is not null)
                http.Response.Headers[RestHeaders.Receipt] = _said;
            http.Response.StatusCode = 201;
            return Task.CompletedTask;
        });
        _peer.MapPost("/partyinfo", http =>
        {
            if (_tag is not null)
                http.Response.Headers[RestHeaders.Identity] = _tag;
            return Task.CompletedTask;
        });
        _peer.MapPost("/" + ReceiptLists.Path, async http =>
        {
            using var body = new MemoryStream();
            await http.Request.Body.CopyToAsync(body);
            _asked = body.ToArray();
            http.Response.StatusCode = _status;
            await http.Response.Body.WriteAsync(_answer);
        });
        await _peer.StartAsync();
        Assert.Equal("a tag", await PollAsync());
    }

    public async Task DisposeAsync() => await _peer.DisposeAsync();

    public void Dispose() => _client.Dispose();

    [Fact]
    public async Task What_a_peer_has_noted_is_fetched_and_asked_for_again_once_it_notes_more()
    {
        for (var i = 0; i < 3; i++)
            await PushAsync();
        Assert.Equal([Url], _client.WithReceipts());
        _answer = ReceiptLists.Write([Receipts(2)]);
        Assert.Equal(2, Assert.Single(await _client.FetchReceiptsAsync(Url, default)).Deliveries.Count);
        Assert.Equal(Convert.FromBase64String(_name!), _asked);
        Assert.Empty(_client.WithReceipts());
        await PushAsync();
        Assert.Equal([Url], _client.WithReceipts());
        // It has started anew meanwhile.
        _answer = [];
        Assert.Empty(await _client.FetchReceiptsAsync(Url, default));
        Assert.Empty(_client.WithReceipts());
    }

    [Fact]
    public async Task Who_names_no_announcement_is_asked_for_no_receipts()
    {
        await PushAsync();
        Assert.NotNull(_name);
        _tag = null;
        Assert.Null(await PollAsync());
        await PushAsync();
        Assert.Null(_name);
    }

    [Fact]
    public async Task Each_peer_sees_a_name_of_its_own_and_one_whose_identity_is_not_known_sees_none()
    {
        await PushAsync();
        var first = _name;
        await PushAsync();
        Assert.Equal(first, _name);
        // Another peer, for us: its URL is another one.
        var other = Url.Replace("127.0.0.1", "localhost", StringComparison.Ordinal);
        Assert.NotNull(await _client.SendPartyInfoAsync(other, new PartyInfo(Url, [], []), default));
        await _client.PushAsync(other, new ReadOnlySequence<byte>(new byte[1]), default);
        Assert.NotEqual(first, _name);
        Assert.Equal(ReceiptLists.NameSize, Convert.FromBase64String(_name!).Length);
        _answer = [];
        await _client.FetchReceiptsAsync(other, default);
        Assert.Equal(Convert.FromBase64String(_name!), _asked);

        _client.HasShownIdentity = url => url == Url;
        await _client.PushAsync(other, new ReadOnlySequence<byte>(new byte[1]), default);
        Assert.Null(_name);
        await PushAsync();
        Assert.Equal(first, _name);
    }

    [Fact]
    public async Task An_empty_answer_forgives_nothing_of_what_was_given_too_many()
    {
        await PushAsync();
        var given = 0;
        PrivacyException? refused = null;
        while (refused is null && given < 100_000)
            try
            {
                _answer = ReceiptLists.Write([.. Enumerable.Repeat(Receipts(256), 16)]);
                given += (await _client.FetchReceiptsAsync(Url, default)).Sum(r => r.Deliveries.Count);
                _answer = [];
                Assert.Empty(await _client.FetchReceiptsAsync(Url, default));
            }
            catch (PrivacyException e)
            {
                refused = e;
            }

        Assert.Equal(Failure.PeerRefused, refused?.Failure);
        Assert.InRange(given, 0, (48 * 256) + 10);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("x")]
    [InlineData("0")]
    [InlineData("-1")]
    public async Task A_peer_that_notes_nothing_is_asked_for_nothing(string? said)
    {
        _said = said;
        await PushAsync();
        Assert.Empty(_client.WithReceipts());
    }

    [Fact]
    public async Task A_peer_that_gives_more_than_was_pushed_to_it_is_refused()
    {
        // It says more than one push can be.
        _said = "2000000000";
        await PushAsync();
        _answer = ReceiptLists.Write([.. Enumerable.Repeat(Receipts(256), 16)]);
        var given = 0;
        PrivacyException? refused = null;
        while (refused is null && given < 100_000)
            try
            {
                given += (await _client.FetchReceiptsAsync(Url, default)).Sum(r => r.Deliveries.Count);
            }
            catch (PrivacyException e)
            {
                refused = e;
            }

        Assert.Equal(Failure.PeerRefused, refused?.Failure);
        Assert.Contains("more than was pushed", refused!.Message, StringComparison.Ordinal);
        Assert.InRange(given, 0, (48 * 256) + 10);
    }

    [Fact]
    public async Task What_are_no_receipts_ends_the_asking_and_an_absence_does_not()
    {
        await PushAsync();
        _status = 503;
        await Assert.ThrowsAsync<PrivacyException>(() => _client.FetchReceiptsAsync(Url, default));
        Assert.Equal([Url], _client.WithReceipts());
        (_status, _answer) = (200, [1, 2, 3]);
        await Assert.ThrowsAsync<PrivacyException>(() => _client.FetchReceiptsAsync(Url, default));
        Assert.Empty(_client.WithReceipts());
        await PushAsync();
        _status = 404;
        Assert.Empty(await _client.FetchReceiptsAsync(Url, default));
        Assert.Empty(_client.WithReceipts());
    }

    private Task<string?> PollAsync() => _client.SendPartyInfoAsync(Url, new PartyInfo(Url, [], []), default);

    private Task PushAsync() => _client.PushAsync(Url, new ReadOnlySequence<byte>(new byte[1]), default);

    private static byte[] Receipts(int count) => new DeliveryReceipts(
        new PublicKey(new byte[32]), DateTimeOffset.UnixEpoch, Guid.Empty,
        [.. Enumerable.Range(0, count).Select(i => new Delivery(
            new PayloadHash([.. BitConverter.GetBytes(i), .. new byte[60]]), new PublicKey(new byte[32])))],
        new byte[64]).Write();
}
