using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace QuorumMesh.Architecture.Tests;

/// <summary>Where things stand and how long they are.</summary>
public sealed class LayoutTests
{
    private const int LongestFunction = 60;

    /// <summary>Functions over the limit, as Type.Name; the list only gets shorter.</summary>
    private static readonly string[] LongFunctions =
    [
        "EvmMachine.Interpret", "KeccakPermutation.Permute", "NodeCommandLine.ConstructorDeclaration",
    ];

    [Fact]
    public void Namespaces_are_project_and_folder() => Offences.None(
        Repository.Sources
            .SelectMany(file => file.Syntax.DescendantNodes().OfType<BaseNamespaceDeclarationSyntax>().Select(n => (file, Name: n.Name.ToString())))
            .Where(found => Repository.ProjectOf(found.file.Path) is { } project && found.Name != Expected(project, found.file.Path))
            .Select(found => $"{found.file.Path}: {found.Name}"));

    [Fact]
    public void Functions_are_short()
    {
        var tooLong = Repository.Product
            .SelectMany(file => file.Syntax.DescendantNodes().Where(n => n is BaseMethodDeclarationSyntax or AccessorDeclarationSyntax or LocalFunctionStatementSyntax))
            .Where(n => LengthOf(n) > LongestFunction)
            .Select(NameOf)
            .ToHashSet();
        Offences.None(tooLong.Except(LongFunctions).Select(name => $"{name} has more than {LongestFunction} lines"));
        Offences.None(LongFunctions.Except(tooLong).Select(name => $"{name} is short now: take it off the list"));
    }

    private static string Expected(string project, string path)
    {
        var folder = Repository.FolderOf(path)[Repository.FolderOf(project).Length..];
        return Repository.NameOf(project) + folder.Replace('/', '.');
    }

    private static int LengthOf(SyntaxNode node)
    {
        var span = node.SyntaxTree.GetLineSpan(node.Span);
        return span.EndLinePosition.Line - span.StartLinePosition.Line + 1;
    }

    private static string NameOf(SyntaxNode node)
    {
        var type = node.Ancestors().OfType<BaseTypeDeclarationSyntax>().First().Identifier.Text;
        var method = node.AncestorsAndSelf().First(n => n is BaseMethodDeclarationSyntax or BasePropertyDeclarationSyntax);
        return $"{type}." + method switch
        {
            MethodDeclarationSyntax m => m.Identifier.Text,
            PropertyDeclarationSyntax p => p.Identifier.Text,
            _ => method.Kind().ToString(),
        };
    }
}
