using System.Text;
using System.Text.Json;
using QuorumMesh.Contracts;
using QuorumMesh.Tests.Shared;
using QuorumMesh.Tests.Shared.Managers;
using QuorumMesh.TxManager.Configuration;
using QuorumMesh.TxManager.Hosting;

namespace QuorumMesh.TxManager.Tests.Recorded;

/// <summary>
/// A network of three Tesseras moves to ours, manager by manager, each with its database in place and its own configuration, and one of
/// them back again; nothing is lost on the way, and all of them reach each other at every step.
/// </summary>
public sealed class WalkTests : IAsyncLifetime
{
    private static readonly string[] Names = ["A", "B", "C"];

    private readonly string _directory = Directory.CreateTempSubdirectory("qmwalk").FullName;
    private readonly Dictionary<string, Place> _places = [];
    private readonly List<(string Hash, string Text, string[] Parties)> _sent = [];
    private readonly HttpClient _http = new() { Timeout = Wait.Limit };

    public async Task InitializeAsync()
    {
        var keys = JsonDocument.Parse(QuorumMesh.Tests.Vectors.ReadText("tessera/p2p.json")).RootElement.GetProperty("keys");
        foreach (var key in keys.EnumerateArray())
        {
            var name = key.GetProperty("manager").GetString()!;
            _places[name] = new Place(
                Path.Combine(_directory, name), PublicKey.FromBase64(key.GetProperty("publicKey").GetString()!),
                key.GetProperty("privateKey").GetString()!);
        }

        foreach (var name in Names)
            await StartTesseraAsync(name);
    }

    public async Task DisposeAsync()
    {
        foreach (var place in _places.Values)
            await place.StopAsync();
        _http.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    [QuorumMesh.Tests.VectorFact]
    public async Task A_network_moves_manager_by_manager_with_its_databases_and_one_goes_back()
    {
        await SendAllWaysAsync("before");
        foreach (var name in Names)
        {
            await _places[name].StopAsync();
            await StartOursAsync(name);
            await ReadAllAsync();
            await SendAllWaysAsync($"{name} is ours");
        }

        await _places["A"].StopAsync();
        await StartTesseraAsync("A");
        await ReadAllAsync();
        await SendAllWaysAsync("A is back");
        // And what the Tessera wrote meanwhile is there when ours comes again.
        await _places["A"].StopAsync();
        await StartOursAsync("A");
        await ReadAllAsync();
    }

    /// <summary>The stand-in is held against the recording: status, type and body.</summary>
    [QuorumMesh.Tests.VectorFact]
    public async Task The_stand_in_answers_recorded_pushes_as_the_Tessera_did()
    {
        var pushes = RecordedExchange.List(
                JsonDocument.Parse(QuorumMesh.Tests.Vectors.ReadText("tessera/q2t.json")).RootElement.GetProperty("exchanges"))
            .SelectMany(e => e.Between).Where(b => b is { Server: "P2P B", Request.Path: "/push", Answer.Status: 201 }).Take(20).ToList();
        Assert.Equal(20, pushes.Count);
        using var limit = new CancellationTokenSource(Wait.Limit);
        foreach (var push in pushes)
        {
            var answer = await RawHttp.SendAsync(new Uri(_places["B"].Url).Port, push.Request, limit.Token);
            Assert.Equal((201, push.Answer!.ContentType, push.Answer.Text), (answer.Status, answer.ContentType, answer.Text));
        }
    }

    private async Task StartTesseraAsync(string name)
    {
        var place = _places[name];
        place.Tessera = new TesseraStandIn(
            place.Url, place.Q2TPort, place.Key, place.PrivateKey, _places.Values.Select(p => p.Url), place.Database);
        await place.Tessera.StartAsync();
    }

    /// <summary>With a Tessera's configuration as it stands, the keys in it.</summary>
    private async Task StartOursAsync(string name)
    {
        var place = _places[name];
        var config = Path.Combine(place.Directory, "tm.json");
        await File.WriteAllTextAsync(config, JsonSerializer.Serialize(new
        {
            mode = "tessera",
            useWhiteList = false,
            jdbc = new { username = "sa", password = "", url = "jdbc:sqlite:" + place.Database, autoCreateTables = true },
            serverConfigs = new object[]
            {
                new { app = "Q2T", serverAddress = $"http://127.0.0.1:{place.Q2TPort}", communicationType = "REST" },
                new
                {
                    app = "P2P", serverAddress = place.Url.TrimEnd('/'), sslConfig = new { tls = "OFF" }, communicationType = "REST",
                    properties = new { partyInfoInterval = 1000 },
                },
            },
            peer = _places.Values.Select(p => new { url = p.Url }),
            keys = new
            {
                passwords = Array.Empty<string>(),
                keyData = new[] { new { privateKey = place.PrivateKey, publicKey = place.Key.ToBase64() } },
            },
            alwaysSendTo = Array.Empty<string>(),
        }));
        place.Ours = await ManagerHost.StartAsync(ManagerConfig.Read(new CommandLineSettings(config, [])), new Seams(), default);
    }

    /// <summary>From each to the two others; a manager that has just come is not known at once.</summary>
    private async Task SendAllWaysAsync(string when)
    {
        foreach (var from in Names)
        {
            string[] to = [.. Names.Where(n => n != from)];
            var text = $"{when}: {from} to {string.Join(" and ", to)}";
            string? hash = null;
            await Wait.UntilAsync(async () => (hash = await TrySendAsync(from, to, text)) is not null, text);
            _sent.Add((hash!, text, Names));
        }

        await ReadAllAsync();
    }

    private async Task<string?> TrySendAsync(string from, string[] to, string text)
    {
        var json = JsonSerializer.Serialize(new
        {
            payload = Convert.ToBase64String(Encoding.UTF8.GetBytes(text)),
            to = to.Select(n => _places[n].Key.ToBase64()),
        });
        using var answer = await _http.PostAsync(
            $"http://127.0.0.1:{_places[from].Q2TPort}/send", new StringContent(json, Encoding.UTF8, "application/json"));
        return (int)answer.StatusCode == 201
            ? JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement.GetProperty("key").GetString() : null;
    }

    private async Task ReadAllAsync()
    {
        foreach (var (hash, text, parties) in _sent)
        {
            foreach (var party in parties)
            {
                using var answer = await _http.GetAsync(
                    $"http://127.0.0.1:{_places[party].Q2TPort}/transaction/{Uri.EscapeDataString(hash)}");
                var body = await answer.Content.ReadAsStringAsync();
                Assert.True((int)answer.StatusCode == 200, $"'{text}' at {party}: {(int)answer.StatusCode} {body}");
                var payload = JsonDocument.Parse(body).RootElement.GetProperty("payload").GetBytesFromBase64();
                Assert.Equal(text, Encoding.UTF8.GetString(payload));
            }
        }
    }

    /// <summary>Where one participant's manager runs, whichever it is.</summary>
    private sealed class Place
    {
        public Place(string directory, PublicKey key, string privateKey)
        {
            (Directory, Key, PrivateKey) = (directory, key, privateKey);
            System.IO.Directory.CreateDirectory(directory);
        }

        public string Directory { get; }

        public PublicKey Key { get; }

        public string PrivateKey { get; }

        public string Url { get; } = $"http://127.0.0.1:{FreePorts.One()}/";

        public int Q2TPort { get; } = FreePorts.One();

        public string Database => Path.Combine(Directory, "tessera.db");

        public TesseraStandIn? Tessera { get; set; }

        public Microsoft.AspNetCore.Builder.WebApplication? Ours { get; set; }

        public async Task StopAsync()
        {
            if (Tessera is not null)
                await Tessera.DisposeAsync();
            if (Ours is not null)
            {
                await Ours.StopAsync();
                await Ours.DisposeAsync();
            }

            (Tessera, Ours) = (null, null);
        }
    }
}
