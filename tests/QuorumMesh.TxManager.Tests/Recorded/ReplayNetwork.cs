using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Enclave.Core;
using QuorumMesh.Tests.Shared;
using QuorumMesh.Tests.Shared.Managers;

namespace QuorumMesh.TxManager.Tests.Recorded;

/// <param name="Aspects">What differs: <c>s</c> status, <c>t</c> content type, <c>r</c> reason, <c>b</c> body, <c>p</c> pushes.</param>
/// <param name="What">Where the two differ, for the one who reads the test's output.</param>
internal sealed record Difference(string Aspects, string What, int RecordedStatus, int OurStatus);

/// <summary>
/// The network of q2t.json and p2p.json with managers of ours in the places of the Tesseras: A, B and C with their keys, a proxy before
/// each P2P server, and F, the peer that the recorder played.
/// </summary>
internal sealed class ReplayNetwork : IAsyncDisposable
{
    private static readonly string[] Names = ["A", "B", "C"];

    private readonly string _directory = Path.Combine(Path.GetTempPath(), "qmplay" + Guid.NewGuid().ToString("N")[..10]);
    private readonly Dictionary<string, Participant> _managers = [];
    private readonly Dictionary<string, PeerProxy> _proxies = [];
    private readonly List<string> _keys = [];
    private readonly ConcurrentQueue<SeenCall> _seen = new();
    private readonly ConcurrentQueue<RecordedAnswer?> _pushAnswers = new();
    private readonly PayloadSealer? _peerEnclave;
    private readonly PeerProxy? _peer;

    /// <param name="recording">Its managers' keys, and the peer that the recorder played where there is one.</param>
    /// <param name="ports">What the recorded ports begin with.</param>
    public ReplayNetwork(JsonElement recording, string ports = "200")
    {
        foreach (var key in recording.GetProperty("keys").EnumerateArray())
            AddKey(key.GetProperty("manager").GetString()!, key.GetProperty("privateKey").GetString()!);
        for (var i = 0; i < Names.Length; i++)
            Values.Place($"127.0.0.1:{ports}{i * 10 + 5:00}", $"127.0.0.1:{_proxies[Names[i]].Port}");
        if (!recording.TryGetProperty("recorderPeer", out var peer))
            return;
        var secret = new SecretBuffer(32);
        peer.GetProperty("privateKey").GetBytesFromBase64().CopyTo(secret.Span);
        var publicKey = PublicKey.FromBase64(peer.GetProperty("publicKey").GetString()!);
        Values.Publish(publicKey.ToBase64());
        _peerEnclave = new PayloadSealer(
            new KeyRing([new EnclaveKeyPair(publicKey, secret, "F", "1", EnclaveKeyState.Active)]), new SharedKeyCache(16),
            System.Security.Cryptography.RandomNumberGenerator.Fill);
        _peer = new PeerProxy("F", FreePort(), _seen) { Answer = AnswerAsPeerAsync };
        Values.Place("127.0.0.1:20090", $"127.0.0.1:{_peer.Port}");
    }

    public ValueMap Values { get; } = new();

    /// <summary>The recorder's peer listens.</summary>
    public bool PeerIsUp
    {
        set => _peer!.IsDown = !value;
    }

    /// <summary>The recorder's peer says that it has no key, as a manager does that gave it up.</summary>
    public bool PeerHasKey { get; set; } = true;

    /// <summary>Our managers have <c>quorummesh.tesseraPeers</c>.</summary>
    public bool IsBesideTesseras { get; init; } = true;

    public PeerProxy Proxy(string manager) => _proxies[manager];

    public async Task StartAsync()
    {
        foreach (var proxy in _proxies.Values.Append(_peer).OfType<PeerProxy>())
            await proxy.StartAsync();
        foreach (var manager in _managers.Values)
        {
            manager.WriteConfig(_managers.Values.Select(m => m.P2P), validateKeys: false, database: null, tesseraPeers: IsBesideTesseras);
            await manager.StartEnclaveAsync();
            await manager.StartManagerAsync();
        }

        using var http = new HttpClient();
        await Wait.UntilAsync(async () =>
        {
            foreach (var manager in _managers.Values)
            {
                var keys = await http.GetStringAsync(manager.ThirdParty + "partyinfo/keys");
                if (_keys.Any(key => !keys.Contains(key, StringComparison.Ordinal)))
                    return false;
            }

            return true;
        }, "every manager knows every key");
    }

    /// <summary>Plays one exchange.</summary>
    /// <returns>Null when all is as recorded, else what differs.</returns>
    public async Task<Difference?> PlayAsync(RecordedExchange exchange)
    {
        foreach (var answer in exchange.Between.Where(b => b is { ByRecorder: true, Request.Path: "/push" } || IsDropped(b)))
            _pushAnswers.Enqueue(answer.Answer);
        _seen.Clear();
        var ours = await SendAsync(exchange.App, exchange.Manager, Values.Ours(exchange.Request));
        var found = Values.Compare(exchange.Answer!, ours).Concat(ComparePushes(exchange)).ToArray();
        _pushAnswers.Clear();
        return found.Length == 0 ? null : new Difference(
            string.Concat(found.Select(f => f.Aspect)), string.Join("; ", found.Select(f => f.What)), exchange.Answer!.Status, ours.Status);
    }

    /// <summary>Calls that went to P2P servers since the last exchange began.</summary>
    public IReadOnlyCollection<SeenCall> Seen => _seen;

    public async Task<RecordedAnswer> SendAsync(string app, string manager, RecordedRequest request)
    {
        var port = app switch
        {
            "P2P" => _proxies[manager].Port,
            "Q2T" => new Uri(_managers[manager].Q2T).Port,
            _ => new Uri(_managers[manager].ThirdParty).Port,
        };
        using var limit = new CancellationTokenSource(Wait.Limit);
        return await RawHttp.SendAsync(port, request, limit.Token);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var manager in _managers.Values)
        {
            await manager.StopManagerAsync();
            await manager.StopEnclaveAsync();
        }

        foreach (var proxy in _proxies.Values.Append(_peer).OfType<PeerProxy>())
            await proxy.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    /// <summary>None of those in the recordings, which would be replaced once more.</summary>
    private static int FreePort()
    {
        int port;
        do
            port = FreePorts.One();
        while (port is >= 20000 and < 20700);
        return port;
    }

    private void AddKey(string name, string privateKey)
    {
        if (!_managers.TryGetValue(name, out var manager))
        {
            var proxy = FreePort();
            manager = new Participant(Path.Combine(_directory, name), privateKey)
            {
                P2PProxyPort = proxy,
                HasPrivacyEnhancements = true,
            };
            _managers[name] = manager;
            _proxies[name] = new PeerProxy(name, proxy, _seen) { Target = new Uri(manager.P2PListen).Port };
            _keys.Add(manager.Key.ToBase64());
        }
        else
            _keys.Add(manager.AddKey(privateKey).ToBase64());

        Values.Publish(_keys[^1]);
    }

    private static bool IsDropped(RecordedExchange between) =>
        between is { Answer: null, Server: "P2P F", Request.Path: "/push" };

    /// <summary>Who was pushed what, whatever the order and the codec; a payload that says the same must be as long.</summary>
    private IEnumerable<(char Aspect, string What)> ComparePushes(RecordedExchange exchange)
    {
        (string Text, string? Hash)[] recorded =
        [
            .. exchange.Between.Where(b => b.Request.Path.StartsWith("/push", StringComparison.Ordinal))
                .Select(b => Describe(b.Manager, b.Request.Path, b.Answer?.Status, b.Request.Body)).OrderBy(p => p.Text),
        ];
        (string Text, string? Hash)[] ours =
        [
            .. _seen.Where(s => s.Path.StartsWith("/push", StringComparison.Ordinal) && !IsPlayed(exchange, s))
                .Select(s => Describe(s.To, s.Path, s.Status, s.Body)).OrderBy(p => p.Text),
        ];
        if (!recorded.Select(p => p.Text).SequenceEqual(ours.Select(p => p.Text)))
            yield return ('p', $"pushes [{string.Join("; ", ours)}] instead of [{string.Join("; ", recorded)}]");
        foreach (var ((_, hash), (_, our)) in recorded.Zip(ours))
            if (hash is not null && our is not null)
                Values.Learn(hash, our);
    }

    /// <summary>The proxy sees the exchange itself too.</summary>
    private static bool IsPlayed(RecordedExchange exchange, SeenCall call) =>
        exchange.App == "P2P" && exchange.Manager == call.To && exchange.Request.Path == call.Path;

    private static (string Text, string? Hash) Describe(string to, string path, int? status, byte[] body)
    {
        try
        {
            var payload = CborPayloadCodec.Begins(body) ? CborPayloadCodec.Decode(body) : LegacyPayloadCodec.Decode(body);
            return ($"{to} {path} {status} from {payload.SenderKey} to {string.Join('+', payload.RecipientKeys)} boxes "
                + $"{payload.RecipientBoxes.Count} bytes {LegacyPayloadCodec.Encode(payload).Length}", payload.ComputeHash().ToBase64());
        }
        catch (WireFormatException)
        {
            return ($"{to} {path} {status}{Group(path, body)}", null);
        }
    }

    private static string Group(string path, byte[] body)
    {
        if (path != "/pushPrivacyGroup")
            return string.Empty;
        var group = PrivacyGroupCodec.Decode(body);
        return $" {group.Name}: {group.Description}, {string.Join('+', group.Members)}, seed of {group.Seed.Length}, {group.Type} "
            + $"deleted {group.IsDeleted}";
    }

    private async Task<int?> AnswerAsPeerAsync(HttpContext context, byte[] body)
    {
        var answer = context.Request.Path.Value switch
        {
            "/partyinfo/validate" when !PeerHasKey => new RecordedAnswer(404, "Not Found", [], []),
            "/partyinfo/validate" => new RecordedAnswer(
                200, "OK", [], _peerEnclave!.Open(LegacyPayloadCodec.Decode(body)).Payload),
            "/push" => _pushAnswers.TryDequeue(out var next)
                ? next : new RecordedAnswer(201, "Created", [], Encoding.ASCII.GetBytes("?")),
            "/pushBatch" => new RecordedAnswer(200, "OK", [], []),
            "/partyinfo" when context.Request.Method == "POST" => new RecordedAnswer(200, "OK", [], []),
            _ => new RecordedAnswer(404, "Not Found", [], []),
        };
        if (answer is null)
            return null;
        context.Response.StatusCode = answer.Status;
        context.Features.GetRequiredFeature<IHttpResponseFeature>().ReasonPhrase = answer.Reason;
        await context.Response.Body.WriteAsync(answer.Body);
        return answer.Status;
    }
}
