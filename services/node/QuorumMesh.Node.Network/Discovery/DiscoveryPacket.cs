using System.Net;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Discovery;

/// <summary>A message of discovery v4 (devp2p: discv4.md).</summary>
internal abstract record DiscoveryMessage
{
    /// <summary>Seconds since 1970 after which the message means nothing.</summary>
    public ulong Expiration { get; init; }

    /// <param name="TcpPort">Where the sender takes devp2p connections. The address that it claims is left aside.</param>
    public sealed record Ping(IPEndPoint From, int TcpPort, IPEndPoint To) : DiscoveryMessage;

    /// <param name="PingHash">Hash of the packet that is answered.</param>
    public sealed record Pong(IPEndPoint To, Hash256 PingHash) : DiscoveryMessage;

    /// <param name="Target">A public key, 64 bytes: the nearest to its hash are asked for.</param>
    public sealed record FindNode(byte[] Target) : DiscoveryMessage;

    public sealed record Neighbours(IReadOnlyList<FoundNode> Nodes) : DiscoveryMessage;
}

/// <summary>A packet whose hash and signature are right.</summary>
/// <param name="Sender">Public key that signed it.</param>
/// <param name="Message">Null for a type that this node does not know, as those of EIP-868.</param>
internal sealed record ReceivedPacket(Hash256 Hash, byte[] Sender, DiscoveryMessage? Message);

/// <summary>
/// Packets of discovery v4: hash ‖ signature ‖ type ‖ RLP. Items behind the known ones, bytes behind the list, and other versions are
/// let pass (EIP-8).
/// </summary>
internal static class DiscoveryPacket
{
    /// <summary>No longer packet is sent or taken.</summary>
    public const int MaxSize = 1280;

    /// <summary>So many nodes fit, whatever their addresses.</summary>
    public const int MaxNeighbours = 12;

    private const int SignatureSize = 65;
    private const int HeadSize = Hash256.Size + SignatureSize;
    private const ulong Version = 4;
    private const int PublicKeySize = 64;

    /// <summary>The packet and its hash.</summary>
    public static (byte[] Packet, Hash256 Hash) Encode(DiscoveryMessage message, NodeKey key)
    {
        var writer = new RlpWriter();
        var list = writer.BeginList();
        var type = Write(writer, message);
        writer.Write(message.Expiration);
        writer.EndList(list);
        var packet = new byte[HeadSize + 1 + writer.Length];
        packet[HeadSize] = type;
        writer.WrittenSpan.CopyTo(packet.AsSpan(HeadSize + 1));
        key.Sign(Keccak.Hash(packet.AsSpan(HeadSize))).CopyTo(packet, Hash256.Size);
        var hash = Keccak.Hash(packet.AsSpan(Hash256.Size));
        hash.CopyTo(packet);
        return (packet, hash);
    }

    /// <summary>Whether it may be a packet at all: what tells noise apart before it costs a signature's check.</summary>
    public static bool HasRightHash(ReadOnlySpan<byte> packet) => packet.Length is >= HeadSize + 2 and <= MaxSize
        && packet[..Hash256.Size].SequenceEqual(Keccak.Hash(packet[Hash256.Size..]).Bytes);

    /// <exception cref="FormatException">Its size, hash, signature or content is wrong.</exception>
    public static ReceivedPacket Decode(ReadOnlySpan<byte> packet)
    {
        if (packet.Length is < HeadSize + 2 or > MaxSize) throw new FormatException($"a packet of {packet.Length} bytes");
        var hash = Keccak.Hash(packet[Hash256.Size..]);
        if (!packet[..Hash256.Size].SequenceEqual(hash.Bytes)) throw new FormatException("the packet's hash is wrong");
        var sender = new byte[PublicKeySize];
        var signature = packet.Slice(Hash256.Size, SignatureSize);
        var signed = Keccak.Hash(packet[HeadSize..]);
        if (signature[^1] > 3 || !Secp256k1.TryRecover(signed.Bytes, signature[..^1], signature[^1], sender))
            throw new FormatException("the packet's signature is wrong");
        return new ReceivedPacket(hash, sender, Read(packet[HeadSize], new RlpReader(packet[(HeadSize + 1)..]).ReadList()));
    }

    private static byte Write(RlpWriter writer, DiscoveryMessage message)
    {
        switch (message)
        {
            case DiscoveryMessage.Ping ping:
                writer.Write(Version);
                WriteEndpoint(writer, ping.From, ping.TcpPort);
                WriteEndpoint(writer, ping.To, 0);
                return 1;
            case DiscoveryMessage.Pong pong:
                WriteEndpoint(writer, pong.To, 0);
                writer.Write(pong.PingHash);
                return 2;
            case DiscoveryMessage.FindNode find:
                writer.Write(find.Target);
                return 3;
            case DiscoveryMessage.Neighbours neighbours:
                var nodes = writer.BeginList();
                foreach (var node in neighbours.Nodes)
                {
                    var one = writer.BeginList();
                    WriteAddress(writer, node.Udp, node.TcpPort);
                    writer.Write(node.PublicKey);
                    writer.EndList(one);
                }
                writer.EndList(nodes);
                return 4;
            default:
                throw new ArgumentException($"{message.GetType()} has no form on the wire", nameof(message));
        }
    }

    private static DiscoveryMessage? Read(byte type, RlpReader list)
    {
        switch (type)
        {
            case 1:
                list.Skip(); // a version that is not ours is no reason to be silent
                var (from, tcp) = ReadEndpoint(list.ReadList());
                var (to, _) = ReadEndpoint(list.ReadList());
                return new DiscoveryMessage.Ping(from, tcp, to) { Expiration = list.ReadUInt64() };
            case 2:
                var (self, _) = ReadEndpoint(list.ReadList());
                return new DiscoveryMessage.Pong(self, list.ReadHash256()) { Expiration = list.ReadUInt64() };
            case 3:
                return new DiscoveryMessage.FindNode(list.ReadBytes(PublicKeySize).ToArray()) { Expiration = list.ReadUInt64() };
            case 4:
                return new DiscoveryMessage.Neighbours(ReadNodes(list.ReadList())) { Expiration = list.ReadUInt64() };
            default:
                return null;
        }
    }

    private static List<FoundNode> ReadNodes(RlpReader list)
    {
        var nodes = new List<FoundNode>();
        while (!list.End)
        {
            var item = list.ReadList();
            var (endpoint, tcp) = ReadEndpoint(ref item);
            nodes.Add(new FoundNode(item.ReadBytes(PublicKeySize).ToArray(), endpoint, tcp));
        }
        return nodes;
    }

    private static (IPEndPoint Udp, int Tcp) ReadEndpoint(RlpReader list) => ReadEndpoint(ref list);

    private static (IPEndPoint Udp, int Tcp) ReadEndpoint(ref RlpReader list)
    {
        var bytes = list.ReadBytes();
        // Some write none for an address that they do not know.
        var address = bytes.Length is 4 or 16 ? Plain(new IPAddress(bytes)) : IPAddress.Any;
        return (new IPEndPoint(address, Port(ref list)), Port(ref list));
    }

    private static int Port(ref RlpReader list) => list.ReadUInt64() is <= 65535 and var port ? (int)port
        : throw new FormatException("a port beyond 65535");

    private static void WriteEndpoint(RlpWriter writer, IPEndPoint udp, int tcp)
    {
        var list = writer.BeginList();
        WriteAddress(writer, udp, tcp);
        writer.EndList(list);
    }

    private static void WriteAddress(RlpWriter writer, IPEndPoint udp, int tcp)
    {
        writer.Write(Plain(udp.Address).GetAddressBytes());
        writer.Write((ulong)udp.Port);
        writer.Write((ulong)tcp);
    }

    private static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}
