using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace QuorumMesh.Architecture.Tests;

/// <summary>What stands in the product is used by it.</summary>
public sealed class UseTests
{
    private static readonly Dictionary<string, int> Words = Repository.Product
        .SelectMany(file => file.Syntax.DescendantTokens())
        .Where(token => token.IsKind(SyntaxKind.IdentifierToken))
        .CountBy(token => token.ValueText)
        .ToDictionary();

    /// <summary>Members that something outside the sources calls: a serialiser, a framework, a compiler.</summary>
    private static readonly string[] CalledFromOutside = [];

    [Fact]
    public void No_member_is_for_tests_alone() => Offences.None(
        Repository.Product
            .SelectMany(file => file.Syntax.DescendantNodes().OfType<MemberDeclarationSyntax>().Select(m => (file, m, Name: NameOf(m))))
            .Where(found => found.Name is { } name && Words[name] == 1 && !IsBound(found.m) && !CalledFromOutside.Contains(name))
            .Select(found => $"{found.file.Path}: {found.Name}"));

    /// <summary>An interface is for what is external or has two implementations; a fake of the tests is one.</summary>
    [Fact]
    public void An_interface_has_two_implementations()
    {
        var bases = Repository.Sources
            .SelectMany(file => file.Syntax.DescendantNodes().OfType<TypeDeclarationSyntax>())
            .Where(type => type is not InterfaceDeclarationSyntax && type.BaseList is not null)
            .SelectMany(type => type.BaseList!.Types.Select(b => LastName(b.Type)))
            .CountBy(name => name)
            .ToDictionary();
        Offences.None(Repository.Product
            .SelectMany(file => file.Syntax.DescendantNodes().OfType<InterfaceDeclarationSyntax>().Select(i => (file, Name: i.Identifier.Text)))
            .Where(found => bases.GetValueOrDefault(found.Name) < 2)
            .Select(found => $"{found.file.Path}: {found.Name}"));
    }

    private static string LastName(TypeSyntax type) => type.DescendantNodesAndSelf().OfType<SimpleNameSyntax>().Last(n => n.Parent is not TypeArgumentListSyntax).Identifier.Text;

    private static string? NameOf(MemberDeclarationSyntax member) => member switch
    {
        MethodDeclarationSyntax m when m.ExplicitInterfaceSpecifier is null => m.Identifier.ValueText,
        PropertyDeclarationSyntax p when p.ExplicitInterfaceSpecifier is null => p.Identifier.ValueText,
        BaseTypeDeclarationSyntax t => t.Identifier.ValueText,
        _ => null,
    };

    private static bool IsBound(MemberDeclarationSyntax member) => member.Modifiers.Any(SyntaxKind.OverrideKeyword);
}
