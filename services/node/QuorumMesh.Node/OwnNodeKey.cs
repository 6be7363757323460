using QuorumMesh.Node.Network;
using QuorumMesh.ServiceDefaults;

namespace QuorumMesh.Node;

/// <summary>The node key of the data directory or of <c>--nodekey</c>; made on the first start.</summary>
internal static class OwnNodeKey
{
    /// <exception cref="OptionsException">The file holds no key; what it holds is not shown.</exception>
    public static NodeKey LoadOrCreate(string path)
    {
        try
        {
            return NodeKeyFile.LoadOrCreate(path);
        }
        catch (InvalidDataException e)
        {
            throw new OptionsException("--nodekey",
                $"{path} does not hold a node key (64 hex digits): restore the file, or remove it to get a new identity", e);
        }
    }
}
