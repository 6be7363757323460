namespace QuorumMesh.Cli.Network;

/// <summary>
/// Where the three service programs are: beside this one, as <c>make publish</c> lays them, or where QUORUMMESH_ARTIFACTS says.
/// </summary>
internal static class Programs
{
    /// <summary>Names the directory that holds node/, txmanager/ and enclave/.</summary>
    public const string Variable = "QUORUMMESH_ARTIFACTS";

    public static string Node => Of(ServiceKind.Node);
    public static string TxManager => Of(ServiceKind.TxManager);

    /// <param name="artifacts">The directory with the programs of another build; null for those of this one.</param>
    public static string Of(ServiceKind kind, string? artifacts = null) => kind switch
    {
        ServiceKind.Node => Find(artifacts, "node", "quorummesh-node"),
        ServiceKind.TxManager => Find(artifacts, "txmanager", "quorummesh-txmanager"),
        _ => Find(artifacts, "enclave", "quorummesh-enclave"),
    };

    private static string Find(string? artifacts, string folder, string program)
    {
        var root = artifacts ?? Environment.GetEnvironmentVariable(Variable)
            ?? Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, ".."));
        var path = Path.GetFullPath(Path.Combine(root, folder, program));
        return File.Exists(path) ? path
            : throw new CommandException($"{path} is not there: run 'make publish' first, or set QUORUMMESH_ARTIFACTS to the directory "
                + "that holds node/, txmanager/ and enclave/");
    }
}
