using System.Net;
using QuorumMesh.Node.Runtime;
using QuorumMesh.ServiceDefaults;

namespace QuorumMesh.Node;

/// <summary>Reads the flags that say where peers may be, and who is asked for them.</summary>
internal static class PeerNetworks
{
    /// <summary>Those that can be asked, and those that cannot: node records (enr:), host names, and nodes without discovery.</summary>
    /// <exception cref="OptionsException">One is neither an enode URL nor a node record.</exception>
    public static (IReadOnlyList<Enode> Usable, IReadOnlyList<string> PassedOver) Bootnodes(string list)
    {
        var (usable, passedOver) = (new List<Enode>(), new List<string>());
        foreach (var text in Split(list))
        {
            if (Bootnode(text) is { } enode) usable.Add(enode);
            else passedOver.Add(text);
        }
        return (usable, passedOver);
    }

    private static Enode? Bootnode(string text)
    {
        if (text.StartsWith("enr:", StringComparison.OrdinalIgnoreCase)) return null;
        // Names are read only together with a Raft port.
        var asName = $"{text}{(text.Contains('?') ? '&' : '?')}raftport=1";
        if (!Enode.TryParse(text, out var enode) && Enode.TryParse(asName, out _)) return null;
        try
        {
            enode ??= Enode.Parse(text);
        }
        catch (FormatException e)
        {
            throw new OptionsException("--bootnodes", e.Message);
        }
        return IPAddress.TryParse(enode.Host, out _) && (enode.DiscPort ?? enode.Port) > 0 ? enode : null;
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
