using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace QuorumMesh.Architecture.Tests;

/// <summary>
/// One factory makes what the services call others with (shared/QuorumMesh.Outbound), so that what holds for every connection, its
/// limits and the lack of proxies, redirects and cookies, stands in one place.
/// </summary>
public sealed class OutboundTests
{
    private const string Factory = "shared/QuorumMesh.Outbound/";

    private static readonly string[] Handlers = ["SocketsHttpHandler", "HttpClientHandler", "WinHttpHandler"];

    [Fact]
    public void Handlers_are_made_by_the_factory_alone() => Offences.None(
        Repository.Product
            .Where(file => !file.Path.StartsWith(Factory, StringComparison.Ordinal))
            .SelectMany(file => file.Syntax.DescendantNodes().OfType<BaseObjectCreationExpressionSyntax>()
                .Where(made => TypeOf(made) is { } type && (Handlers.Contains(type)
                    || (type == "HttpClient" && made.ArgumentList is not { Arguments.Count: > 0 })))
                .Select(made => $"{file.Path}: {made.Parent?.Parent}")));

    /// <summary>A channel without a handler makes one of its own.</summary>
    [Fact]
    public void A_grpc_channel_is_given_its_handler() => Offences.None(
        Repository.Product
            .SelectMany(file => file.Syntax.DescendantNodes().OfType<InvocationExpressionSyntax>()
                .Where(call => call.Expression.ToString() == "GrpcChannel.ForAddress"
                    && !call.ArgumentList.DescendantNodes().OfType<AssignmentExpressionSyntax>()
                        .Any(set => set.Left.ToString() == "HttpHandler"))
                .Select(call => $"{file.Path}: {call}")));

    /// <summary>Where the type is not said, that of the field or variable.</summary>
    private static string? TypeOf(BaseObjectCreationExpressionSyntax made) => made switch
    {
        ObjectCreationExpressionSyntax named => named.Type.ToString(),
        { Parent.Parent.Parent: VariableDeclarationSyntax declared } => declared.Type.ToString(),
        { Parent.Parent: PropertyDeclarationSyntax property } => property.Type.ToString(),
        _ => null,
    };
}
