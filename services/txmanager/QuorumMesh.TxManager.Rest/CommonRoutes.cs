namespace QuorumMesh.TxManager.Rest;

/// <summary>What every REST application of Tessera's serves (tessera 0.1).</summary>
public static class CommonRoutes
{
    /// <summary>The API versions that we speak: the base only, without privacy enhancements.</summary>
    public static readonly IReadOnlyList<string> ApiVersions = ["1.0"];

    public static readonly string Version = typeof(CommonRoutes).Assembly.GetName().Version?.ToString(3) ?? "0.0.0";

    public static RestApp AddCommonRoutes(this RestApp app) => app
        .Get("/", call => call.EmptyAsync(200))
        .Get("/upcheck", call => call.TextAsync(200, "I'm up!"))
        .Get("/version", call => call.TextAsync(200, Version))
        .Get("/version/distribution", call => call.TextAsync(200, Version))
        .Get("/version/api", call => call.JsonAsync(200, json =>
        {
            json.WriteStartArray();
            foreach (var version in ApiVersions)
                json.WriteStringValue(version);

            json.WriteEndArray();
        }));
}
