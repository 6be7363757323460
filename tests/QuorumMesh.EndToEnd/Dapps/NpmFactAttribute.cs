namespace QuorumMesh.EndToEnd.Dapps;

/// <summary>A test that runs programs of examples/javascript: it needs Node.js and their packages.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class NpmFactAttribute : FactAttribute
{
    public NpmFactAttribute() => Skip = Directory.Exists(Path.Combine(Directories.Examples, "javascript", "node_modules", "ethers")) ? null
        : "No Node.js packages: run 'make npm' where npm is";
}

/// <summary>Where the programs lie.</summary>
internal static class Directories
{
    public static string Examples => Path.Combine(LocalNetwork.Repository, "examples");

    public static string Tests => Path.Combine(LocalNetwork.Repository, "tests", "QuorumMesh.EndToEnd", "Dapps");
}
