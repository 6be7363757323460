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
    private static readonly string[] CalledFromOutside = ["StartedAsync", "StartingAsync", "StoppedAsync", "StoppingAsync"];

    /// <summary>
    /// The other half of what the product has, for tests of many projects: to sign as a member's wallet does, and to name a key. The
    /// list only gets shorter.
    /// </summary>
    private static readonly string[] ForTestsAlone = ["SignPrivate", "FromBase64"];

    /// <summary>Ports to what is outside the process whose only adapter so far stands beside them.</summary>
    private static readonly string[] ExternalPorts = ["IEnclaveKeyProvider"];

    [Fact]
    public void No_public_member_is_for_tests_alone() => Offences.None(
        Repository.Product
            .SelectMany(file => file.Syntax.DescendantNodes().OfType<MemberDeclarationSyntax>().Select(m => (file, m, Name: NameOf(m))))
            .Where(found => found.Name is { } name && Words[name] == 1 && IsFree(found.m) && !CalledFromOutside.Contains(name)
                && !ForTestsAlone.Contains(name))
            .Select(found => $"{found.file.Path}: {found.Name}"));

    /// <summary>An interface is for what is external or has two implementations; a fake of the tests is one.</summary>
    [Fact]
    public void An_interface_is_a_port_or_has_two_implementations()
    {
        var bases = Repository.Sources
            .SelectMany(file => file.Syntax.DescendantNodes().OfType<TypeDeclarationSyntax>().Select(type => (file.Path, type)))
            .Where(found => found.type.BaseList is not null)
            .SelectMany(found => found.type.BaseList!.Types.Select(
                b => (Base: LastName(b.Type), found.type, Project: Repository.ProjectOf(found.Path))))
            .ToLookup(found => found.Base, found => (found.type, found.Project));
        Offences.None(Repository.Product
            .SelectMany(file => file.Syntax.DescendantNodes().OfType<InterfaceDeclarationSyntax>()
                .Select(i => (file.Path, i.Identifier.Text)))
            .Where(found => !ExternalPorts.Contains(found.Text) && Implementations(found.Text).ToList() is { Count: < 2 } few
                && few.All(project => project == Repository.ProjectOf(found.Path)))
            .Select(found => $"{found.Path}: {found.Text}"));

        IEnumerable<string?> Implementations(string name) => bases[name].SelectMany(found =>
            found.type is InterfaceDeclarationSyntax narrower ? Implementations(narrower.Identifier.Text) : [found.Project]);
    }

    private static string LastName(TypeSyntax type) =>
        type.DescendantNodesAndSelf().OfType<SimpleNameSyntax>().Last(n => n.Parent is not TypeArgumentListSyntax).Identifier.Text;

    private static string? NameOf(MemberDeclarationSyntax member) => member switch
    {
        MethodDeclarationSyntax m when m.ExplicitInterfaceSpecifier is null => m.Identifier.ValueText,
        PropertyDeclarationSyntax p when p.ExplicitInterfaceSpecifier is null => p.Identifier.ValueText,
        BaseTypeDeclarationSyntax t => t.Identifier.ValueText,
        _ => null,
    };

    /// <summary>
    /// Public, and bound to its place by nothing: overrides, and classes that only hold extensions, are not found by their name.
    /// </summary>
    private static bool IsFree(MemberDeclarationSyntax member) =>
        member.Modifiers.Any(SyntaxKind.PublicKeyword)
        && !member.Modifiers.Any(SyntaxKind.OverrideKeyword)
        && !(member is ClassDeclarationSyntax type && type.Modifiers.Any(SyntaxKind.StaticKeyword))
        && member.Ancestors().OfType<TypeDeclarationSyntax>().All(t => t.Modifiers.Any(SyntaxKind.PublicKeyword));
}
