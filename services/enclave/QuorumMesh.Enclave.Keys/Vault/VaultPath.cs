namespace QuorumMesh.Enclave.Keys.Vault;

/// <summary>Paths of mounts and secrets in URLs.</summary>
internal static class VaultPath
{
    /// <summary>Each part escaped, the slashes between them kept.</summary>
    public static string Escape(string path) => string.Join('/', path.Split('/').Select(Uri.EscapeDataString));

    /// <summary>Whether it can stand in a URL as it is meant: no empty part, no dots that a server would take for steps.</summary>
    public static bool IsClean(string path) => path.Split('/').All(part => part is not ("" or "." or ".."));
}
