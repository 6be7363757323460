using System.Net;
using System.Net.Sockets;

namespace QuorumMesh.Node.Network.Discovery;

/// <summary>Which addresses are believed, and from whom (as GoQuorum's p2p/netutil).</summary>
internal static class AddressRules
{
    private static readonly IPNetwork[] Lan =
        [.. new[] { "0.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fe80::/10", "fc00::/7" }.Select(IPNetwork.Parse)];

    private static readonly IPNetwork[] Special =
    [
        .. new[]
        {
            "0.0.0.0/8", "192.0.0.0/29", "192.0.0.9/32", "192.0.0.170/32", "192.0.0.171/32", "192.0.2.0/24", "192.88.99.0/24",
            "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "255.255.255.255/32", "100::/64", "2001::/32", "2001:2::/48",
            "2001:db8::/32", "2002::/16", "ff00::/8",
        }.Select(IPNetwork.Parse)
    ];

    /// <summary>Of this machine or a private network: such addresses are not bounded by their subnets.</summary>
    public static bool IsLan(IPAddress address) => IPAddress.IsLoopback(address) || Array.Exists(Lan, net => net.Contains(address));

    /// <summary>Whether a node at one address may tell of a node at another: nobody outside tells of private ones.</summary>
    public static bool MayTell(IPAddress sender, IPAddress told) =>
        !told.Equals(IPAddress.Any) && !told.Equals(IPAddress.IPv6Any) && !Array.Exists(Special, net => net.Contains(told))
        && (!IPAddress.IsLoopback(told) || IPAddress.IsLoopback(sender)) && (!IsLan(told) || IsLan(sender));

    /// <summary>The /24 of an IPv4 address, the /64 of an IPv6 one.</summary>
    public static UInt128 Subnet(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        bytes.Clear();
        address.TryWriteBytes(bytes, out _);
        var keep = address.AddressFamily == AddressFamily.InterNetwork ? 3 : 8;
        bytes[keep..].Clear();
        bytes[15] = (byte)keep;
        return System.Buffers.Binary.BinaryPrimitives.ReadUInt128BigEndian(bytes);
    }

    /// <summary>An IPv4 address as such, also where the socket speaks IPv6.</summary>
    public static IPEndPoint Plain(IPEndPoint endPoint) =>
        endPoint.Address.IsIPv4MappedToIPv6 ? new IPEndPoint(endPoint.Address.MapToIPv4(), endPoint.Port) : endPoint;
}
