using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace QuorumMesh.Architecture.Tests;

/// <summary>The files of the repository as text and as syntax trees, read once.</summary>
internal static class Repository
{
    private static readonly string[] Generated = ["bin", "obj", "artifacts", "TestResults", "unpacked", "network", "node_modules", ".git"];
    private static readonly string[] ProductFolders = ["services", "shared"];

    public static string Root { get; } = FindRoot();

    /// <summary>Every C# file, product and tests.</summary>
    public static IReadOnlyList<SourceFile> Sources { get; } =
        [.. Files(".cs").Select(path => new SourceFile(path, Parse(path)))];

    public static IEnumerable<SourceFile> Product => Sources.Where(s => IsProduct(s.Path));

    public static IEnumerable<SourceFile> Tests => Sources.Where(s => !IsProduct(s.Path));

    /// <summary>Paths of project files, relative to the root.</summary>
    public static IEnumerable<string> Projects { get; } = [.. Files(".csproj")];

    public static IEnumerable<string> ProductProjects => Projects.Where(IsProduct);

    /// <summary>All files of a kind, relative to the root, in order; what builds leave behind is passed over.</summary>
    public static IEnumerable<string> Files(string extension) => Walk(Root)
        .Where(path => path.EndsWith(extension, StringComparison.Ordinal))
        .Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
        .Order(StringComparer.Ordinal);

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    /// <summary>The project that a file belongs to; null for one outside all projects.</summary>
    public static string? ProjectOf(string path) => Projects
        .Where(project => path.StartsWith(FolderOf(project) + "/", StringComparison.Ordinal))
        .MaxBy(project => project.Length);

    public static string FolderOf(string path) => path[..path.LastIndexOf('/')];

    public static string NameOf(string project) => Path.GetFileNameWithoutExtension(project);

    private static bool IsProduct(string path) => ProductFolders.Contains(path[..path.IndexOf('/')]);

    private static SyntaxTree Parse(string path) =>
        CSharpSyntaxTree.ParseText(Read(path), new CSharpParseOptions(LanguageVersion.Preview, DocumentationMode.None), path);

    private static IEnumerable<string> Walk(string folder) => Directory.EnumerateFiles(folder)
        .Concat(Directory.EnumerateDirectories(folder).Where(d => !Generated.Contains(Path.GetFileName(d))).SelectMany(Walk));

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "QuorumMesh.sln")))
            directory = directory.Parent;
        return directory?.FullName ?? throw new InvalidOperationException("QuorumMesh.sln was not found above the test's directory");
    }
}

/// <param name="Path">Relative to the root.</param>
internal sealed record SourceFile(string Path, SyntaxTree Tree)
{
    public SyntaxNode Syntax => Tree.GetRoot();

    public IEnumerable<string> Lines => Tree.GetText().Lines.Select(l => l.ToString());
}
