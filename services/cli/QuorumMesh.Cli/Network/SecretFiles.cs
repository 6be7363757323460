namespace QuorumMesh.Cli.Network;

/// <summary>Files that only their owner may read, never overwritten.</summary>
internal static class SecretFiles
{
    public static void WriteNew(string path, string content)
    {
        using var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        });
        using var writer = new StreamWriter(file);
        writer.Write(content);
    }
}
