using System.Text;
using System.Text.Json;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Parties;
using QuorumMesh.Tests.Shared.Managers;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Rest.P2P;

namespace QuorumMesh.TxManager.Rest.Tests.P2P;

/// <summary>What a real Tessera 21.1.1 was asked and said (p2p.json), its key now in a manager of ours.</summary>
public sealed class RecordedTesseraTests : IAsyncLifetime
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), "qmrec" + Guid.NewGuid().ToString("N")[..10]);
    private readonly HttpClient _http = new() { Timeout = Wait.Limit };
    private Participant? _manager;

    private static JsonElement Recorded => JsonDocument.Parse(QuorumMesh.Tests.Vectors.ReadText("tessera/p2p.json")).RootElement;

    private static JsonElement Exchange(string id) =>
        Recorded.GetProperty("exchanges").EnumerateArray().Single(e => e.GetProperty("id").GetString() == id);

    public async Task InitializeAsync()
    {
        if (QuorumMesh.Tests.Vectors.SkipReason is not null)
            return;
        var key = Recorded.GetProperty("keys").EnumerateArray().Single(k =>
            k.GetProperty("manager").GetString() == "A").GetProperty("privateKey").GetString()!;
        _manager = new Participant(_directory, key);
        _manager.WriteConfig([], validateKeys: false, database: null);
        await _manager.StartEnclaveAsync();
        await _manager.StartManagerAsync();
        await Wait.UntilAsync(async () => (await _http.GetAsync(_manager.Health + "readyz")).IsSuccessStatusCode, "the manager is ready");
    }

    /// <summary>
    /// A Tessera's own challenges are answered as Tessera answers them; 1-1-1-1-1, which only Java takes for a UUID, is not.
    /// </summary>
    [QuorumMesh.Tests.VectorTheory]
    [InlineData("validate", 200)]
    [InlineData("validate-upper-uuid", 200)]
    [InlineData("validate-no-uuid", 400)]
    [InlineData("validate-short-uuid", 400)]
    [InlineData("validate-other-key", 404)]
    [InlineData("validate-garbage", 500)]
    public async Task Challenge_of_a_Tessera_is_answered(string id, int status)
    {
        var exchange = Exchange(id);
        using var content = new ByteArrayContent(exchange.GetProperty("request").GetProperty("body_base64").GetBytesFromBase64());
        content.Headers.ContentType = new("application/octet-stream");
        using var answer = await _http.PostAsync(_manager!.P2P + "partyinfo/validate", content);
        Assert.Equal(status, (int)answer.StatusCode);
        var expected = exchange.GetProperty("response").GetProperty("body").GetString()!;
        var body = await answer.Content.ReadAsStringAsync();
        if (status is 200 or 404)
            Assert.Equal(expected, body);
        else
            Assert.NotEqual(expected, body);
    }

    [QuorumMesh.Tests.VectorFact]
    public void List_of_a_Tessera_is_read()
    {
        var body = Encoding.UTF8.GetBytes(Exchange("partyinfo-get").GetProperty("response").GetProperty("body").GetString()!);
        Assert.True(PeerListAnswer.TryRead(body, out var urls));
        Assert.Equal(["http://127.0.0.1:20015/", "http://127.0.0.1:20025/", "http://127.0.0.1:20005/"], urls);
        foreach (var other in new[] { "", "[]", "{}", """{"peers":{}}""", "<html>", """{"peers":[[[[[[[[[[]]]]]]]]]]}""" })
            Assert.False(PeerListAnswer.TryRead(Encoding.UTF8.GetBytes(other), out _));

        Assert.True(PeerListAnswer.TryRead("""{"peers":[1,{"url":2},{"uri":"x"},{"url":"http://y/"}]}"""u8.ToArray(), out urls));
        Assert.Equal(["http://y/"], urls);
    }

    /// <summary>
    /// A Tessera's poll, byte by byte: of a configured peer it is taken once its key is proven, and the answer has Tessera's bytes.
    /// </summary>
    [QuorumMesh.Tests.VectorFact]
    public async Task Poll_of_a_Tessera_is_taken_when_it_proves_its_key()
    {
        var exchange = Exchange("partyinfo-post-new");
        var poll = exchange.GetProperty("request").GetProperty("body_base64").GetBytesFromBase64();
        var info = PartyInfoCodec.Decode(poll);
        var world = new PartyWorld();
        var ours = world.Ours("http://127.0.0.1:20005/", PartyWorld.Key(1));
        var key = info.Recipients[0].Key;
        await Assert.ThrowsAsync<PrivacyException>(() => ours.Service.ReceiveAsync(poll, "127.0.0.1", default));
        world.Tessera(info.Url, key);
        var answer = await ours.Service.ReceiveAsync(poll, "127.0.0.1", default);
        Assert.Equal(exchange.GetProperty("response").GetProperty("body_base64").GetBytesFromBase64(), answer);
        Assert.Equal(info.Url, ours.Directory.FindUrl(key));
    }

    public async Task DisposeAsync()
    {
        _http.Dispose();
        if (_manager is not null)
        {
            await _manager.StopManagerAsync();
            await _manager.StopEnclaveAsync();
            Directory.Delete(_directory, recursive: true);
        }
    }
}
