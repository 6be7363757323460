using System.Net;
using System.Text;
using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Raft;

/// <summary>
/// Where a member is reached, as GoQuorum's raft/peer.go encodes it: the context of a membership change and an item of a
/// snapshot.
/// </summary>
/// <param name="NodeId">64 bytes, the public key.</param>
/// <param name="Host">IP address as text, or a DNS name.</param>
public sealed record RaftAddress(ulong RaftId, byte[] NodeId, string Host, int P2pPort, int RaftPort)
{
    /// <summary>Bytes of a node id: an uncompressed public key without its prefix.</summary>
    public const int NodeIdSize = 64;
    /// <summary>Characters of a DNS name at most (RFC 1035, less the root's dot and length).</summary>
    public const int MaxHostLength = 253;

    /// <summary>True when <see cref="Host"/> is a DNS name.</summary>
    public bool IsHostname => !IPAddress.TryParse(Host, out _);

    /// <summary>Where the member's Raft port listens, as etcd's transport names it; IPv6 addresses stand in brackets.</summary>
    public Uri RaftUrl => new($"http://{(Host.Contains(':') ? $"[{Host}]" : Host)}:{RaftPort}");

    /// <summary>
    /// [raftId, nodeId, ip, p2pPort, raftPort] for an IP address, else [raftId, nodeId, empty, p2pPort, raftPort, hostname].
    /// </summary>
    public byte[] Encode()
    {
        var w = new RlpWriter();
        WriteTo(w, IsHostname);
        return w.ToArray();
    }

    /// <summary>Reads both forms; items past the sixth are ignored.</summary>
    public static RaftAddress Decode(ReadOnlySpan<byte> data)
    {
        try
        {
            var reader = new RlpReader(data);
            var address = Read(ref reader);
            reader.ExpectEnd();
            return address;
        }
        catch (RlpException e)
        {
            throw new RaftFormatException($"raft address: {e.Message}");
        }
    }

    public bool Equals(RaftAddress? other) => other is not null && RaftId == other.RaftId && NodeId.AsSpan().SequenceEqual(other.NodeId)
        && Host == other.Host && P2pPort == other.P2pPort && RaftPort == other.RaftPort;

    public override int GetHashCode() => HashCode.Combine(RaftId, Host, P2pPort, RaftPort);

    internal void WriteTo(RlpWriter w, bool hostnameForm)
    {
        var mark = w.BeginList();
        w.Write(RaftId);
        w.Write(NodeId.AsSpan());
        // Go's net.ParseIP gives 16 bytes for IPv4 too.
        if (hostnameForm) w.Write(ReadOnlySpan<byte>.Empty);
        else w.Write(IPAddress.Parse(Host).MapToIPv6().GetAddressBytes().AsSpan());
        w.Write((ulong)P2pPort);
        w.Write((ulong)RaftPort);
        if (hostnameForm) w.Write(Encoding.UTF8.GetBytes(Host).AsSpan());
        w.EndList(mark);
    }

    internal static RaftAddress Read(ref RlpReader reader)
    {
        var list = reader.ReadList();
        // GoQuorum's raft id is a uint16, and 0 means "no node" in etcd.
        var id = list.ReadUInt64();
        if (id is 0 or > ushort.MaxValue) throw new RaftFormatException($"raft id {id} is not in 1..65535");
        var nodeId = list.ReadBytes(NodeIdSize).ToArray();
        var ip = list.ReadBytes();
        var p2pPort = ReadPort(ref list, "p2p");
        var raftPort = ReadPort(ref list, "raft");
        // Old members write five items, those that allow DNS names write six (2.5:raft/peer.go). Both may stand in one log.
        var host = list.End ? IpText(ip) : ReadHost(list.ReadBytes(), ip);
        return new RaftAddress(id, nodeId, host, p2pPort, raftPort);
    }

    private static string ReadHost(ReadOnlySpan<byte> name, ReadOnlySpan<byte> ip)
    {
        if (name.IsEmpty) return IpText(ip);
        if (name.Length > MaxHostLength) throw new RaftFormatException($"host name of {name.Length} bytes; at most {MaxHostLength}");
        var host = Encoding.UTF8.GetString(name);
        // The name becomes part of a URL that this node calls.
        return Uri.CheckHostName(host) != UriHostNameType.Unknown ? host
            : throw new RaftFormatException("the host name of a raft address is not valid");
    }

    private static string IpText(ReadOnlySpan<byte> ip)
    {
        if (ip.Length is not (4 or 16)) throw new RaftFormatException($"IP address of {ip.Length} bytes; 4 or 16 expected");
        var address = new IPAddress(ip);
        return (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString();
    }

    private static int ReadPort(ref RlpReader list, string what)
    {
        var port = list.ReadUInt64();
        return port <= ushort.MaxValue ? (int)port : throw new RaftFormatException($"{what} port {port} is not in 0..65535");
    }
}
