using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace QuorumMesh.Tests.Shared.Vaults;

/// <summary>A <see cref="VaultModel"/> behind HTTP on a free port of loopback.</summary>
public sealed class VaultStandIn : IAsyncDisposable
{
    private readonly WebApplication _app;

    private VaultStandIn(WebApplication app, VaultModel model)
    {
        _app = app;
        Model = model;
    }

    public VaultModel Model { get; }

    /// <summary>http://127.0.0.1:port, or https.</summary>
    public string Url => _app.Urls.First();

    /// <param name="port">0 takes a free one.</param>
    /// <param name="certificate">With its key: the port speaks TLS alone.</param>
    public static async Task<VaultStandIn> StartAsync(VaultModel model, int port = 0, X509Certificate2? certificate = null)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        if (certificate is not null)
            builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(
                kestrel => kestrel.Listen(IPAddress.Loopback, port, listen => listen.UseHttps(certificate)));
        else
            builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        var app = builder.Build();
        app.Run(context => AnswerAsync(context, model));
        await app.StartAsync();
        return new VaultStandIn(app, model);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    private static async Task AnswerAsync(HttpContext context, VaultModel model)
    {
        var request = context.Request;
        using var reader = new StreamReader(request.Body);
        var text = await reader.ReadToEndAsync(context.RequestAborted);
        var answer = model.Answer(request.Method, request.Path.Value!["/v1/".Length..], request.QueryString.Value?.TrimStart('?'),
            request.Headers["X-Vault-Token"], request.Headers["X-Vault-Wrap-TTL"], text.Length > 0 ? JsonNode.Parse(text) : null);
        context.Response.StatusCode = answer.Status;
        if (answer.Location is { } location)
            context.Response.Headers.Location = location;
        if (answer.Body is { } body)
            await context.Response.WriteAsJsonAsync(body, (JsonSerializerOptions?)null, context.RequestAborted);
    }
}
