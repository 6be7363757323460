using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace QuorumMesh.Architecture.Tests;

/// <summary>One register of what a node's store holds: nobody begins a key with a byte, or takes a name, that another has.</summary>
public sealed class StoreKeyTests
{
    private const string SpacesFile = "services/node/QuorumMesh.State/KeyValue/KeySpaces.cs";
    private const string NamesFile = "services/node/QuorumMesh.Chain/Storage/StoredNames.cs";

    [Fact]
    public void Key_spaces_are_disjoint()
    {
        var spaces = Constants(SpacesFile);
        Assert.NotEmpty(spaces);
        Assert.Equal(spaces.Count, spaces.Values.Distinct().Count());
        Assert.All(spaces.Values, value => Assert.Matches(@"^\(byte\)'.'$", value));
    }

    /// <summary>A name that ends in a dot goes on with the id of a private state, so that no other name may begin like it.</summary>
    [Fact]
    public void Named_values_are_disjoint()
    {
        var names = Constants(NamesFile);
        Assert.NotEmpty(names);
        Assert.Equal(names.Count, names.Values.Distinct().Count());
        var open = names.Where(n => n.Value.EndsWith(".\"", StringComparison.Ordinal)).ToList();
        Assert.Contains(open, name => name.Key == "PrivateHead");
        Offences.None(open.SelectMany(name => names.Where(n => n.Key != name.Key
            && n.Value.StartsWith(name.Value.TrimEnd('"'), StringComparison.Ordinal)).Select(n => n.Key)));
    }

    [Fact]
    public void Named_values_are_kept_under_names_of_the_register() => Offences.None(
        Repository.Product
            .SelectMany(file => file.Syntax.DescendantNodes().OfType<InvocationExpressionSyntax>().Select(call => (file, call)))
            .Where(found => CalledName(found.call) is "PutMeta" or "GetMeta"
                && !found.file.Path.EndsWith("/ChainStore.cs", StringComparison.Ordinal))
            .Where(found => !IsName(found.call.ArgumentList.Arguments[1].Expression))
            .Select(found => $"{found.file.Path}: {found.call}"));

    private static bool IsName(ExpressionSyntax name) =>
        name is IdentifierNameSyntax
        or MemberAccessExpressionSyntax { Expression: IdentifierNameSyntax { Identifier.Text: "StoredNames" } };

    private static string? CalledName(InvocationExpressionSyntax call) => call.Expression switch
    {
        MemberAccessExpressionSyntax member => member.Name.Identifier.Text,
        IdentifierNameSyntax name => name.Identifier.Text,
        _ => null,
    };

    private static Dictionary<string, string> Constants(string path) => Repository.Sources.Single(file => file.Path == path).Syntax
        .DescendantNodes().OfType<FieldDeclarationSyntax>()
        .SelectMany(field => field.Declaration.Variables)
        .ToDictionary(v => v.Identifier.Text, v => v.Initializer!.Value.ToString());
}
