using System.Text.Json.Nodes;
using QuorumMesh.TxManager.Rest.OpenApi;

namespace QuorumMesh.TxManager.Rest;

/// <summary>What every REST application of Tessera's serves (tessera 0.1).</summary>
public static class CommonRoutes
{
    /// <summary>All that there are. As with Tessera, a feature that is off does not show in them (tessera 0.1).</summary>
    public static readonly IReadOnlyList<string> ApiVersions = ["1.0", "2.0", "2.1", "3.0", "4.0", "5.0"];

    /// <summary>The product's version, as /version gives it.</summary>
    public static readonly string Version = typeof(CommonRoutes).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";

    /// <summary>Adds the routes that need no manager.</summary>
    public static RestApp AddCommonRoutes(this RestApp app, RestDocument document) => app
        .Get("/", RouteNote.Of("Answers while the manager is up").Gives(200), call => call.EmptyAsync(200))
        .Get("/upcheck", RouteNote.Of("Says so while the manager is up").GivesText(), call => call.TextAsync(200, "I'm up!"))
        .Get("/version", RouteNote.Of("The manager's version").GivesText(), call => call.TextAsync(200, Version))
        .Get("/version/distribution", RouteNote.Of("The manager's version").GivesText(), call => call.TextAsync(200, Version))
        .Get("/api", RouteNote.Of("This document").Gives<JsonNode>(200, RestDocument.Json, RestDocument.Yaml), document.AnswerAsync)
        .Get(
            "/version/api", RouteNote.Of("The versions of Tessera's API that are spoken").Gives<string[]>(200, RestDocument.Json),
            WriteVersionsAsync);

    private static Task WriteVersionsAsync(RestCall call) => call.JsonAsync(200, json =>
    {
        json.WriteStartArray();
        foreach (var version in ApiVersions)
            json.WriteStringValue(version);
        json.WriteEndArray();
    });
}
