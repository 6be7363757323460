using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Http;

namespace QuorumMesh.TxManager.Rest.P2P;

/// <summary>Tessera's useWhiteList: only addresses of the peers configured at start (tessera 2.7).</summary>
public sealed class PeerWhiteList
{
    private readonly HashSet<IPAddress> _allowed = [];

    private PeerWhiteList()
    {
    }

    /// <summary>Looks the hosts' addresses up once, at the start, as Tessera does.</summary>
    public static async Task<PeerWhiteList> ResolveAsync(IEnumerable<string> peerUrls, CancellationToken cancel)
    {
        var list = new PeerWhiteList();
        foreach (var url in peerUrls)
        {
            var host = new Uri(url).DnsSafeHost;
            if (host is "localhost" or "127.0.0.1")
            {
                list._allowed.Add(IPAddress.Loopback);
                list._allowed.Add(IPAddress.IPv6Loopback);
                continue;
            }

            try
            {
                foreach (var address in await Dns.GetHostAddressesAsync(host, cancel).ConfigureAwait(false))
                    list._allowed.Add(address);
            }
            catch (SocketException)
            {
                // A name that is not known now admits nobody.
            }
        }

        return list;
    }

    /// <summary>Whether the caller's address is one of the list.</summary>
    public bool Admits(HttpContext context)
    {
        var address = context.Connection.RemoteIpAddress;
        return address is not null && _allowed.Contains(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address);
    }
}
