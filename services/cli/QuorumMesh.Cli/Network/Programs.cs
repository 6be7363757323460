namespace QuorumMesh.Cli.Network;

/// <summary>
/// Where the three service programs are: beside this one, as <c>make publish</c> lays them, or where QUORUMMESH_ARTIFACTS says.
/// </summary>
internal static class Programs
{
    /// <summary>Names the directory that holds node/, txmanager/ and enclave/.</summary>
    public const string Variable = "QUORUMMESH_ARTIFACTS";

    public static string Node => Find("node", "quorummesh-node");
    public static string TxManager => Find("txmanager", "quorummesh-txmanager");
    public static string Enclave => Find("enclave", "quorummesh-enclave");

    private static string Find(string folder, string program)
    {
        var root = Environment.GetEnvironmentVariable(Variable)
            ?? Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, ".."));
        var path = Path.GetFullPath(Path.Combine(root, folder, program));
        return File.Exists(path) ? path
            : throw new CommandException($"{path} is not there: run 'make publish' first, or set QUORUMMESH_ARTIFACTS to the directory "
                + "that holds node/, txmanager/ and enclave/");
    }
}
