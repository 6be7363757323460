namespace QuorumMesh.Deploy.Tests;

/// <summary>Files of the repository that these tests hold against each other.</summary>
internal static class RepositoryFiles
{
    public static string Root { get; } = FindRoot();

    public static string Chart { get; } = At("helm/quorummesh");

    public static string At(string path) => Path.Combine(Root, path);

    public static string Read(string path) => File.ReadAllText(At(path));

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "QuorumMesh.sln")))
            directory = directory.Parent;
        return directory?.FullName ?? throw new InvalidOperationException("QuorumMesh.sln was not found above the test's directory");
    }
}
