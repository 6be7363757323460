using Microsoft.AspNetCore.Mvc.ModelBinding;

namespace QuorumMesh.TxManager.Rest.OpenApi;

/// <param name="Type">A CLR type of the same form.</param>
public sealed record NotedBody(string ContentType, Type Type);

/// <param name="Type">Null: without a body.</param>
public sealed record NotedAnswer(int Status, Type? Type, IReadOnlyList<string> ContentTypes);

/// <summary>A header or a member of the query string; what stands in the template is not noted again.</summary>
public sealed record NotedParameter(string Name, BindingSource Source, Type Type, bool IsRequired);

/// <summary>What the OpenAPI document says of a route beside its method and template.</summary>
public sealed record RouteNote
{
    private const string PlainText = "text/plain";

    private RouteNote(string summary) => Summary = summary;

    public string Summary { get; }

    public IReadOnlyList<NotedParameter> Parameters { get; private init; } = [];

    public IReadOnlyList<NotedBody> Bodies { get; private init; } = [];

    public IReadOnlyList<NotedAnswer> Answers { get; private init; } = [];

    public static RouteNote Of(string summary) => new(summary);

    public RouteNote Takes<T>(params IReadOnlyList<string> contentTypes) =>
        this with { Bodies = [.. Bodies, .. contentTypes.Select(t => new NotedBody(t, typeof(T)))] };

    public RouteNote Query<T>(string name) => With(new NotedParameter(name, BindingSource.Query, typeof(T), false));

    public RouteNote Header(string name, bool isRequired = false) =>
        With(new NotedParameter(name, BindingSource.Header, typeof(string), isRequired));

    public RouteNote Gives(int status) => With(new NotedAnswer(status, null, []));

    public RouteNote Gives<T>(int status, params IReadOnlyList<string> contentTypes) =>
        With(new NotedAnswer(status, typeof(T), contentTypes));

    public RouteNote GivesText(int status = 200) => Gives<string>(status, PlainText);

    private RouteNote With(NotedParameter parameter) => this with { Parameters = [.. Parameters, parameter] };

    private RouteNote With(NotedAnswer answer) => this with { Answers = [.. Answers, answer] };
}
