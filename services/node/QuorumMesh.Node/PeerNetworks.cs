using System.Net;
using QuorumMesh.Node.Runtime;
using QuorumMesh.ServiceDefaults;

namespace QuorumMesh.Node;

/// <summary>Reads the flags that say where peers may be, and who is asked for them.</summary>
internal static class PeerNetworks
{
    /// <exception cref="OptionsException">One is no enode URL.</exception>
    public static IReadOnlyList<Enode> Bootnodes(string list)
    {
        try
        {
            return [.. Split(list).Select(Enode.Parse)];
        }
        catch (FormatException e)
        {
            throw new OptionsException("--bootnodes", e.Message);
        }
    }

    /// <exception cref="OptionsException">One is no network.</exception>
    public static IReadOnlyList<IPNetwork> Networks(string list) =>
    [
        .. Split(list).Select(text => IPNetwork.TryParse(text, out var network) ? network
            : throw new OptionsException("--netrestrict",
                $"'{text}' is not a network: write it as 10.0.0.0/8"))
    ];

    private static string[] Split(string list) => list.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
