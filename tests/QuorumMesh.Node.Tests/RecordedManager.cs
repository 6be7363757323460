using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using QuorumMesh.Primitives;
using QuorumMesh.Tests;

namespace QuorumMesh.Node.Tests;

/// <summary>
/// A transaction manager's REST interface for nodes, on a Unix socket, with the payloads that a recorded network gave to one of
/// its nodes.
/// </summary>
internal sealed class RecordedManager : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly string _directory = Directory.CreateTempSubdirectory("qmesh-tm-").FullName;
    private readonly Dictionary<string, JsonElement> _payloads = [];

    /// <param name="party">Node number; 0 has no payload.</param>
    /// <param name="tessera">Tessera's paths; otherwise Constellation's.</param>
    private RecordedManager(string network, int party, bool tessera)
    {
        using var payloads = JsonDocument.Parse(Vectors.ReadText(network + "/payloads.json"));
        foreach (var item in payloads.RootElement.EnumerateObject()
            .Where(i => i.Value.GetProperty("parties").EnumerateArray().Any(p => p.GetInt32() == party)))
            _payloads[Convert.ToBase64String(Hex.FromHex(item.Name))] = item.Value.Clone();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.ListenUnixSocket(Socket));
        _app = builder.Build();
        _app.Run(context => AnswerAsync(context, tessera));
    }

    public string Socket => Path.Combine(_directory, "tm.ipc");

    /// <summary>Every request fails.</summary>
    public bool IsDown { get; set; }

    public ConcurrentDictionary<string, bool> Asked { get; } = new();

    public static async Task<RecordedManager> StartAsync(string network, int party, bool tessera)
    {
        var manager = new RecordedManager(network, party, tessera);
        await manager._app.StartAsync();
        return manager;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }

    private Task AnswerAsync(HttpContext context, bool tessera)
    {
        var path = context.Request.Path.Value!;
        if (IsDown) return TextAsync(context, 503, "starting");
        if (path == "/upcheck") return TextAsync(context, 200, "I'm up!");
        if (!tessera)
            return path == "/receiveraw" ? RawAsync(context, context.Request.Headers["c11n-key"].ToString()) : TextAsync(context, 404, "");
        return path switch
        {
            "/version" => TextAsync(context, 200, "22.1.7"),
            "/version/api" => TextAsync(context, 200, """["1.0","2.0"]"""),
            _ when path.StartsWith("/transaction/", StringComparison.Ordinal) =>
            TransactionAsync(context, Uri.UnescapeDataString(path["/transaction/".Length..])),
            _ => TextAsync(context, 404, ""),
        };
    }

    private Task RawAsync(HttpContext context, string key)
    {
        if (!Find(key, out var known)) return TextAsync(context, 404, "no such message");
        return context.Response.Body.WriteAsync(PayloadOf(known)).AsTask();
    }

    private Task TransactionAsync(HttpContext context, string key)
    {
        if (key.EndsWith("/mandatory", StringComparison.Ordinal)) return MandatoryAsync(context, key[..^"/mandatory".Length]);
        if (!Find(key, out var known)) return TextAsync(context, 404, "Message with hash " + key + " was not found");
        context.Response.ContentType = "application/json";
        // A recording without flags has none of them.
        var answer = new Dictionary<string, object?> { ["payload"] = Convert.ToBase64String(PayloadOf(known)) };
        foreach (var field in (string[])["privacyFlag", "affectedContractTransactions", "execHash"])
            if (known.TryGetProperty(field, out var value)) answer[field] = value;
        return context.Response.WriteAsync(JsonSerializer.Serialize(answer));
    }

    private Task MandatoryAsync(HttpContext context, string key) => Find(key, out var known)
        ? TextAsync(context, 200, string.Join(',', known.GetProperty("mandatoryRecipients").EnumerateArray().Select(k => k.ToString())))
        : TextAsync(context, 404, "no such message");

    private static byte[] PayloadOf(JsonElement known) => Hex.FromHex(known.GetProperty("payload").GetString()!);

    private bool Find(string key, out JsonElement known)
    {
        Asked[key] = true;
        return _payloads.TryGetValue(key, out known);
    }

    private static Task TextAsync(HttpContext context, int status, string text)
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsync(text);
    }
}
