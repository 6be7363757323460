using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Mvc.Abstractions;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.AspNetCore.Mvc.ModelBinding;
using Microsoft.AspNetCore.Routing;

namespace QuorumMesh.TxManager.Rest.OpenApi;

/// <summary>
/// Gives the routes of the REST applications to ASP.NET's OpenAPI generator. They are no endpoints of ASP.NET's, whose routing would split
/// a percent-encoded hash; so this stands where its own endpoints are described.
/// </summary>
public sealed class RestDescriptions : IApiDescriptionProvider
{
    private static readonly EmptyModelMetadataProvider Metadata = new();

    private readonly Dictionary<string, RestApp> _apps = [];

    int IApiDescriptionProvider.Order => 0;

    /// <remarks>Listeners of one kind have the same routes, so one of them is enough.</remarks>
    public void Add(RestApp app) => _apps.TryAdd(app.Name, app);

    void IApiDescriptionProvider.OnProvidersExecuting(ApiDescriptionProviderContext context)
    {
        foreach (var app in _apps.Values)
            foreach (var route in app.Routes)
                context.Results.Add(Describe(app, route));
    }

    void IApiDescriptionProvider.OnProvidersExecuted(ApiDescriptionProviderContext context)
    {
    }

    private static ApiDescription Describe(RestApp app, RestRoute route)
    {
        var description = new ApiDescription
        {
            ActionDescriptor = new ActionDescriptor
            {
                EndpointMetadata = [route.Note, new EndpointSummaryAttribute(route.Note.Summary), new TagsAttribute(app.Name)],
            },
            GroupName = app.Name,
            HttpMethod = route.Method,
            RelativePath = route.Template.TrimStart('/'),
        };
        foreach (var name in route.Segments.Where(s => s[0] == '{').Select(s => s[1..^1]))
            description.ParameterDescriptions.Add(Parameter(new NotedParameter(name, BindingSource.Path, typeof(string), true)));
        foreach (var parameter in route.Note.Parameters)
            description.ParameterDescriptions.Add(Parameter(parameter));
        if (route.Note.Bodies is [var first, ..])
            description.ParameterDescriptions.Add(Parameter(new NotedParameter("body", BindingSource.Body, first.Type, true)));
        foreach (var body in route.Note.Bodies)
            description.SupportedRequestFormats.Add(new ApiRequestFormat { MediaType = body.ContentType });
        foreach (var answer in route.Note.Answers)
            description.SupportedResponseTypes.Add(Answer(answer));
        description.SupportedResponseTypes.Add(new ApiResponseType
        {
            IsDefaultResponse = true,
            Description = "Refused or failed: why, in plain text",
            Type = typeof(string),
            ApiResponseFormats = [new ApiResponseFormat { MediaType = "text/plain" }],
        });
        return description;
    }

    private static ApiParameterDescription Parameter(NotedParameter parameter) => new()
    {
        Name = parameter.Name,
        Source = parameter.Source,
        Type = parameter.Type,
        IsRequired = parameter.IsRequired,
        ModelMetadata = Metadata.GetMetadataForType(parameter.Type),
    };

    private static ApiResponseType Answer(NotedAnswer answer) => new()
    {
        StatusCode = answer.Status,
        Type = answer.Type ?? typeof(void),
        ApiResponseFormats = [.. answer.ContentTypes.Select(t => new ApiResponseFormat { MediaType = t })],
    };
}
