using System.Globalization;
using System.Net.Mime;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.OpenApi;
using QuorumMesh.TxManager.Core;

namespace QuorumMesh.TxManager.Rest.OpenApi;

/// <summary>
/// The OpenAPI document of one REST application, made when it is first asked for and kept as the two texts that Tessera gives.
/// </summary>
public sealed class RestDocument
{
    public const string Json = MediaTypeNames.Application.Json;
    public const string Yaml = "application/yaml";

    private const OpenApiSpecVersion Version = OpenApiSpecVersion.OpenApi3_0;

    private readonly Lazy<Task<(byte[] Json, byte[] Yaml)>> _texts;

    /// <param name="services">The host's, with <see cref="AddTo"/>.</param>
    /// <param name="app">The application's name.</param>
    public RestDocument(IServiceProvider services, string app) => _texts = new(() => MakeAsync(services, app));

    /// <summary>One document for each application.</summary>
    public static void AddTo(IServiceCollection services, IEnumerable<string> apps)
    {
        services.AddSingleton<RestDescriptions>();
        services.AddSingleton<IApiDescriptionProvider>(provider => provider.GetRequiredService<RestDescriptions>());
        foreach (var app in apps)
            services.AddOpenApi(Name(app), options => Configure(options, app));
    }

    /// <summary>Answers <c>GET /api</c>: JSON or YAML by the caller's Accept; any other is refused as by Tessera, with 400.</summary>
    public async Task AnswerAsync(RestCall call)
    {
        var accept = call.Context.Request.Headers.Accept.ToString();
        var isAny = string.IsNullOrWhiteSpace(accept) || accept.Contains("*/*", StringComparison.Ordinal);
        var isJson = isAny || accept.Contains(Json, StringComparison.OrdinalIgnoreCase);
        if (!isJson && !accept.Contains(Yaml, StringComparison.OrdinalIgnoreCase))
            throw new PrivacyException(Failure.BadRequest, $"Accept: must be {Json} or {Yaml}");
        var (json, yaml) = await _texts.Value.WaitAsync(call.Cancel).ConfigureAwait(false);
        await call.BytesAsync(200, isJson ? json : yaml, isJson ? Json : Yaml).ConfigureAwait(false);
    }

    private static string Name(string app) => app.ToLowerInvariant();

    private static void Configure(OpenApiOptions options, string app)
    {
        options.OpenApiVersion = Version;
        options.ShouldInclude = description => description.GroupName == app;
        options.AddOperationTransformer(DescribeBodiesAsync);
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new OpenApiInfo { Title = $"QuorumMesh transaction manager, {app}", Version = CommonRoutes.Version };
            document.Servers = [];
            return Task.CompletedTask;
        });
    }

    /// <summary>A description has one type for its body; here a body of each content type gets its own.</summary>
    private static async Task DescribeBodiesAsync(
        OpenApiOperation operation, OpenApiOperationTransformerContext context, CancellationToken cancel)
    {
        var note = context.Description.ActionDescriptor.EndpointMetadata.OfType<RouteNote>().First();
        foreach (var body in note.Bodies.Where(b => b.Type != note.Bodies[0].Type))
            operation.RequestBody!.Content![body.ContentType] = new OpenApiMediaType
            {
                Schema = await context.GetOrCreateSchemaAsync(body.Type, null, cancel).ConfigureAwait(false),
            };
    }

    private static async Task<(byte[] Json, byte[] Yaml)> MakeAsync(IServiceProvider services, string app)
    {
        var scope = services.CreateAsyncScope();
        await using (scope.ConfigureAwait(false))
        {
            var provider = scope.ServiceProvider.GetRequiredKeyedService<IOpenApiDocumentProvider>(Name(app));
            var document = await provider.GetOpenApiDocumentAsync().ConfigureAwait(false);
            return (Write(document, text => new OpenApiJsonWriter(text)), Write(document, text => new OpenApiYamlWriter(text)));
        }
    }

    private static byte[] Write(OpenApiDocument document, Func<TextWriter, IOpenApiWriter> writer)
    {
        using var text = new StringWriter(CultureInfo.InvariantCulture) { NewLine = "\n" };
        document.SerializeAs(Version, writer(text));
        return System.Text.Encoding.UTF8.GetBytes(text.ToString());
    }
}
