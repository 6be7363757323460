using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace QuorumMesh.Architecture.Tests;

/// <summary>Where things stand and how long they are.</summary>
public sealed class LayoutTests
{
    private const int LongestLine = 140;
    private const int LongestFunction = 60;
    private const int LongestLiteral = 60;

    /// <summary>
    /// Functions over the limit, as Type.Name: the interpreter's loop, whose locals stay in registers only while it is one function, and
    /// Keccak's rounds without a loop, for the same reason. The list only gets shorter.
    /// </summary>
    private static readonly string[] LongFunctions =
    [
        "EvmMachine.Interpret", "KeccakPermutation.Permute",
    ];

    [Fact]
    public void Namespaces_are_project_and_folder() => Offences.None(
        Repository.Sources
            .SelectMany(file => file.Syntax.DescendantNodes().OfType<BaseNamespaceDeclarationSyntax>()
                .Select(n => (file, Name: n.Name.ToString())))
            .Where(found => Repository.ProjectOf(found.file.Path) is { } project && found.Name != Expected(project, found.file.Path))
            .Select(found => $"{found.file.Path}: {found.Name}"));

    /// <summary>A literal that holds no place to break, such as JSON or a hash, may be as long as it is.</summary>
    [Fact]
    public void Lines_of_code_are_short() => Offences.None(
        Repository.Sources.SelectMany(file => file.Tree.GetText().Lines.Select(line => (file, line)))
            .Where(l => l.line.Span.Length > LongestLine && !HoldsLongLiteral(l.file.Syntax, l.line))
            .Select(l => $"{l.file.Path}:{l.line.LineNumber + 1} has {l.line.Span.Length} characters"));

    [Fact]
    public void Lines_of_prose_are_short() => Offences.None(
        Repository.Files(".md").SelectMany(path => Prose(Repository.Read(path)).Where(l => l.Text.Length > LongestLine)
            .Select(l => $"{path}:{l.Number} has {l.Text.Length} characters")));

    [Fact]
    public void Functions_are_short()
    {
        var tooLong = Repository.Product
            .SelectMany(file => file.Syntax.DescendantNodes()
                .Where(n => n is BaseMethodDeclarationSyntax or AccessorDeclarationSyntax or LocalFunctionStatementSyntax))
            .Where(n => LengthOf(n) > LongestFunction)
            .Select(NameOf)
            .ToHashSet();
        Offences.None(tooLong.Except(LongFunctions).Select(name => $"{name} has more than {LongestFunction} lines"));
        Offences.None(LongFunctions.Except(tooLong).Select(name => $"{name} is short now: take it off the list"));
    }

    [Fact]
    public void Tests_are_named_by_a_sentence() => Offences.None(
        Repository.Tests.SelectMany(file => file.Syntax.DescendantNodes().OfType<MethodDeclarationSyntax>().Select(m => (file, m)))
            .Where(found => IsTest(found.m) && IsCamelCase(found.m.Identifier.Text))
            .Select(found => $"{found.file.Path}: {found.m.Identifier.Text}"));

    [Fact]
    public void Every_project_has_tests_of_its_own()
    {
        var tests = Repository.Projects.Select(Repository.NameOf).ToHashSet();
        Offences.None(Repository.ProductProjects.Select(Repository.NameOf).Where(name => !tests.Contains(name + ".Tests")));
    }

    private static bool HoldsLongLiteral(SyntaxNode root, TextLine line) =>
        root.DescendantTokens(line.Span)
        .Any(token => token.Kind() is SyntaxKind.StringLiteralToken or SyntaxKind.InterpolatedStringTextToken
                or SyntaxKind.SingleLineRawStringLiteralToken or SyntaxKind.MultiLineRawStringLiteralToken
                or SyntaxKind.Utf8StringLiteralToken or SyntaxKind.Utf8SingleLineRawStringLiteralToken
            && (token.Span.Intersection(line.Span)?.Length > LongestLiteral || HoldsLongLiteral(token, line)));

    /// <summary>An interpolated raw string is many tokens, and one literal.</summary>
    private static bool HoldsLongLiteral(SyntaxToken token, TextLine line) =>
        token.Parent?.AncestorsAndSelf().OfType<InterpolatedStringExpressionSyntax>().LastOrDefault() is { } whole
        && whole.StringStartToken.Text.Contains("\"\"\"", StringComparison.Ordinal)
        && whole.Span.Intersection(line.Span)?.Length > LongestLiteral;

    private static string Expected(string project, string path)
    {
        var folder = Repository.FolderOf(path)[Repository.FolderOf(project).Length..];
        return Repository.NameOf(project) + folder.Replace('/', '.');
    }

    /// <summary>Code blocks, tables and lines that cannot be broken are no prose.</summary>
    private static IEnumerable<(int Number, string Text)> Prose(string text)
    {
        var inCode = false;
        var number = 0;
        foreach (var line in text.Split('\n'))
        {
            number++;
            if (line.TrimStart().StartsWith("```", StringComparison.Ordinal)) inCode = !inCode;
            else if (!inCode && !line.TrimStart().StartsWith('|') && line.Trim().Contains(' ')) yield return (number, line);
        }
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

    private static bool IsTest(MethodDeclarationSyntax method) =>
        method.AttributeLists.SelectMany(l => l.Attributes)
        .Any(a => a.Name.ToString().EndsWith("Fact", StringComparison.Ordinal)
        || a.Name.ToString().EndsWith("Theory", StringComparison.Ordinal));

    private static bool IsCamelCase(string name) => !name.Contains('_') && name.Skip(1).Any(char.IsUpper);
}
