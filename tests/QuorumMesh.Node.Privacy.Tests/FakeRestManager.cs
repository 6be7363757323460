using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace QuorumMesh.Node.Privacy.Tests;

/// <summary>A REST manager over a real Unix socket or port, which notes what it is asked.</summary>
internal sealed class FakeRestManager : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly string _directory = Directory.CreateTempSubdirectory("qm-q2t-").FullName;

    private FakeRestManager(Func<HttpContext, string, Task> answer)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k =>
        {
            k.ListenUnixSocket(Socket);
            k.Listen(System.Net.IPAddress.Loopback, 0);
        });
        _app = builder.Build();
        _app.Run(async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            var seen = new Seen(
                context.Request.Method,
                context.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestFeature>()!.RawTarget,
                context.Request.Headers.ToDictionary(h => h.Key.ToLowerInvariant(), h => h.Value.ToString()),
                body.ToArray());
            Requests.Enqueue(seen);
            await answer(context, seen.Target);
        });
    }

    public sealed record Seen(string Method, string Target, Dictionary<string, string> Headers, byte[] Body);

    public ConcurrentQueue<Seen> Requests { get; } = new();

    public string Socket => Path.Combine(_directory, "tm.ipc");

    public Uri Url => new(_app.Urls.First(u => u.StartsWith("http://127", StringComparison.Ordinal)));

    /// <param name="apiVersions">Null: no version endpoint, as Constellation.</param>
    public static async Task<FakeRestManager> StartAsync(string? apiVersions, Func<HttpContext, string, Task> answer)
    {
        var manager = new FakeRestManager((context, target) => target switch
        {
            "/upcheck" => context.Response.WriteAsync("I'm up!"),
            "/version" when apiVersions is not null => context.Response.WriteAsync("22.1.7"),
            "/version/api" when apiVersions is not null => context.Response.WriteAsync(apiVersions),
            "/version" or "/version/api" => Status(context, 404),
            _ => answer(context, target),
        });
        await manager._app.StartAsync();
        return manager;
    }

    public static Task Status(HttpContext context, int status, string text = "")
    {
        context.Response.StatusCode = status;
        return context.Response.WriteAsync(text);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        Directory.Delete(_directory, recursive: true);
    }
}
