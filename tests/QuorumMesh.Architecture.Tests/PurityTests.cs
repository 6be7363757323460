using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace QuorumMesh.Architecture.Tests;

/// <summary>What the banned list cannot say of pure projects.</summary>
public sealed class PurityTests
{
    [Fact]
    public void Pure_projects_hold_no_state_of_the_process() => Offences.None(
        Repository.Product
            .Where(file => Repository.ProjectOf(file.Path) is { } project && ArrowTests.IsPure(project))
            .SelectMany(file => file.Syntax.DescendantNodes().OfType<MemberDeclarationSyntax>().Where(IsMutable)
                .Select(m => $"{file.Path}: {m.ToString().Split('\n')[0]}")));

    private static bool IsMutable(MemberDeclarationSyntax member)
    {
        if (!member.Modifiers.Any(SyntaxKind.StaticKeyword)) return false;
        return member switch
        {
            FieldDeclarationSyntax f => !f.Modifiers.Any(SyntaxKind.ReadOnlyKeyword) || IsCollection(f.Declaration.Type),
            PropertyDeclarationSyntax p => p.AccessorList?.Accessors.Any(a => a.IsKind(SyntaxKind.SetAccessorDeclaration)) == true
                || p.Initializer is not null && IsCollection(p.Type),
            _ => false,
        };
    }

    /// <summary>
    /// A table that is filled as it goes: concurrent and weak ones. Plain dictionaries and arrays are made once, as constants.
    /// </summary>
    private static bool IsCollection(TypeSyntax type) => type.ToString() is var name
        && (name.StartsWith("Concurrent", StringComparison.Ordinal) || name.StartsWith("ConditionalWeakTable", StringComparison.Ordinal)
            || name.EndsWith("Cache", StringComparison.Ordinal));
}
