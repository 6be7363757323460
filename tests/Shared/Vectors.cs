namespace QuorumMesh.Tests;

/// <summary>
/// The public test vectors: the folder named by QUORUMMESH_VECTORS; else ../shared/vectors from the repository root, and for what
/// that lacks tests/vectors/unpacked, which the make targets fill from the archives of the repository. Without any of them tests
/// that need vectors are skipped with a message, except where the environment variable CI is set: there they fail.
/// </summary>
internal static class Vectors
{
    private const string Variable = "QUORUMMESH_VECTORS";

    /// <summary>Where vectors may be, the first that has one wins.</summary>
    private static readonly string[] Roots = Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } chosen
        ? [System.IO.Path.GetFullPath(chosen)]
        : [System.IO.Path.GetFullPath(System.IO.Path.Combine(RepositoryRoot(), "..", "shared", "vectors")),
            System.IO.Path.Combine(RepositoryRoot(), "tests", "vectors", "unpacked")];

    public static bool Available => Roots.Any(Directory.Exists);

    /// <summary>For the Skip property of a test: null when the test is to run.</summary>
    public static string? SkipReason =>
        Available || Environment.GetEnvironmentVariable("CI") is { Length: > 0 }
            ? null
            : $"No test vectors: run 'make vectors', or set {Variable} to their folder.";

    /// <summary>Full path of a file or folder of the vectors, given with forward slashes.</summary>
    /// <exception cref="DirectoryNotFoundException">The vectors, or this part of them, are not there.</exception>
    public static string Path(string relative) =>
        Roots.Select(root => System.IO.Path.Combine(root, relative)).FirstOrDefault(System.IO.Path.Exists)
            ?? throw new DirectoryNotFoundException($"Test vector {relative} is in none of {string.Join(", ", Roots)}: run 'make "
                + $"vectors', or set {Variable} to the vectors' folder.");

    public static string ReadText(string relative) => File.ReadAllText(Path(relative));

    private static string RepositoryRoot()
    {
        for (DirectoryInfo? at = new(AppContext.BaseDirectory); at is not null; at = at.Parent)
        {
            if (File.Exists(System.IO.Path.Combine(at.FullName, "QuorumMesh.sln"))) return at.FullName;
        }

        return AppContext.BaseDirectory;
    }
}

/// <summary>A fact that needs the public test vectors.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class VectorFactAttribute : FactAttribute
{
    public VectorFactAttribute() => Skip = Vectors.SkipReason;
}

/// <summary>A theory that needs the public test vectors.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class VectorTheoryAttribute : TheoryAttribute
{
    public VectorTheoryAttribute() => Skip = Vectors.SkipReason;
}
