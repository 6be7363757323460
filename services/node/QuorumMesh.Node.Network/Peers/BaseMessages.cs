using System.Text;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Peers;

/// <summary>First message of both sides.</summary>
/// <param name="Id">64 bytes; must be the key proven in the handshake.</param>
public sealed record HelloMessage(int Version, string ClientName, IReadOnlyList<Capability> Capabilities, int ListenPort, byte[] Id);

/// <summary>Codes and encodings of devp2p's base protocol.</summary>
public static class BaseMessages
{
    /// <summary>First message of both sides, never compressed.</summary>
    public const int Hello = 0x00;
    /// <summary>Last message, with a reason.</summary>
    public const int Disconnect = 0x01;
    /// <summary>Asks for a Pong.</summary>
    public const int Ping = 0x02;
    /// <summary>Answers a Ping.</summary>
    public const int Pong = 0x03;

    /// <summary>Version 5: snappy after Hello.</summary>
    public const int Version = 5;

    /// <summary>Longest base message.</summary>
    public const int MaxSize = 2 * 1024;

    private const int MaxCapabilities = 128;

    private static readonly byte[] Empty = [0xc0];

    /// <summary>The payload of Ping and Pong.</summary>
    public static ReadOnlySpan<byte> EmptyList => Empty;

    /// <summary>[version, client name, capabilities, listen port, node id].</summary>
    public static byte[] EncodeHello(HelloMessage hello)
    {
        var writer = new RlpWriter();
        int list = writer.BeginList();
        writer.Write((ulong)hello.Version);
        writer.Write(Encoding.UTF8.GetBytes(hello.ClientName));
        int caps = writer.BeginList();
        foreach (var capability in hello.Capabilities)
        {
            int pair = writer.BeginList();
            writer.WriteString(capability.Name);
            writer.Write((ulong)capability.Version);
            writer.EndList(pair);
        }
        writer.EndList(caps);
        writer.Write((ulong)hello.ListenPort);
        writer.Write(hello.Id);
        writer.EndList(list);
        return writer.ToArray();
    }

    /// <summary>Items behind the known ones are ignored (EIP-8).</summary>
    /// <exception cref="RlpException">Not a Hello.</exception>
    public static HelloMessage DecodeHello(ReadOnlySpan<byte> payload)
    {
        var list = new RlpReader(payload).ReadList();
        ulong version = list.ReadUInt64();
        string name = Encoding.UTF8.GetString(list.ReadBytes());
        var capabilities = ReadCapabilities(list.ReadList());
        ulong port = list.ReadUInt64();
        var id = list.ReadBytes(64).ToArray();
        return new HelloMessage((int)Math.Min(version, int.MaxValue), Printable(name), capabilities, (int)Math.Min(port, 65535), id);
    }

    /// <summary>A list of the reason alone.</summary>
    public static byte[] EncodeDisconnect(DisconnectReason reason)
    {
        var writer = new RlpWriter();
        int list = writer.BeginList();
        writer.Write((ulong)reason);
        writer.EndList(list);
        return writer.ToArray();
    }

    /// <summary>Takes the list and the bare number, which some clients send; anything else counts as Requested.</summary>
    public static DisconnectReason DecodeDisconnect(ReadOnlySpan<byte> payload)
    {
        try
        {
            var reader = new RlpReader(payload);
            if (reader.End)
                return DisconnectReason.Requested;
            if (reader.IsList)
                reader = reader.ReadList();
            return reader.End ? DisconnectReason.Requested : (DisconnectReason)Math.Min(reader.ReadUInt64(), 0xff);
        }
        catch (RlpException)
        {
            return DisconnectReason.Requested;
        }
    }

    private static List<Capability> ReadCapabilities(RlpReader list)
    {
        var capabilities = new List<Capability>();
        while (!list.End && capabilities.Count < MaxCapabilities)
        {
            var pair = list.ReadList();
            string name = Encoding.ASCII.GetString(pair.ReadBytes());
            ulong version = pair.ReadUInt64();
            capabilities.Add(new Capability(Printable(name), (int)Math.Min(version, int.MaxValue)));
        }
        return capabilities;
    }

    /// <summary>Peers choose these texts and they end in logs and RPC answers.</summary>
    private static string Printable(string text) => string.Concat(text.Take(256).Where(c => !char.IsControl(c)));
}
