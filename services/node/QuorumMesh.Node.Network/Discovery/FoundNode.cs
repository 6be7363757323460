using System.Net;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Discovery;

/// <summary>A node as discovery knows it.</summary>
internal sealed class FoundNode
{
    /// <param name="publicKey">64 bytes X‖Y.</param>
    /// <param name="tcpPort">0 when it takes no devp2p connections.</param>
    public FoundNode(byte[] publicKey, IPEndPoint udp, int tcpPort)
    {
        (PublicKey, Udp, TcpPort) = (publicKey, udp, tcpPort);
        (NodeId, Id) = (Hex.ToHex(publicKey, prefix: false), Keccak.Hash(publicKey));
    }

    public byte[] PublicKey { get; }

    /// <summary>128 lower-case hex digits.</summary>
    public string NodeId { get; }

    /// <summary>keccak256 of the public key, by which distances are counted.</summary>
    public Hash256 Id { get; }

    public IPEndPoint Udp { get; }

    public int TcpPort { get; }

    public Enode ToEnode() => new(NodeId, Udp.Address.ToString(), TcpPort, discPort: Udp.Port);

    /// <summary>Null when the URL has a host name, no discovery, or a port of 0.</summary>
    public static FoundNode? Of(Enode enode) =>
        IPAddress.TryParse(enode.Host, out var address) && (enode.DiscPort ?? enode.Port) is > 0 and var udp
            ? new FoundNode(enode.PublicKey, new IPEndPoint(address, udp), enode.Port) : null;

    /// <summary>Index of the highest bit in which two ids differ, from 1; 0 for the same id.</summary>
    public static int Distance(in Hash256 a, in Hash256 b)
    {
        var left = a.Bytes;
        var right = b.Bytes;
        for (var i = 0; i < Hash256.Size; i++)
            if ((left[i] ^ right[i]) is not 0 and var differing)
                return ((Hash256.Size - i) * 8) - System.Numerics.BitOperations.LeadingZeroCount((uint)differing) + 24;
        return 0;
    }

    /// <summary>Below zero when the first is nearer to the target.</summary>
    public static int Nearer(in Hash256 target, in Hash256 a, in Hash256 b)
    {
        var left = a.Bytes;
        var right = b.Bytes;
        var to = target.Bytes;
        for (var i = 0; i < Hash256.Size; i++)
            if ((left[i] ^ to[i]) - (right[i] ^ to[i]) is not 0 and var order) return order;
        return 0;
    }
}
