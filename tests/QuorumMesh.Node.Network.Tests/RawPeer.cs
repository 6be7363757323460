using System.Net.Sockets;
using QuorumMesh.Node.Network.Eth;
using QuorumMesh.Node.Network.Peers;
using QuorumMesh.Node.Network.Rlpx;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Tests;

/// <summary>The other end of a connection, message by message, for what no proper peer does.</summary>
internal sealed class RawPeer : IDisposable
{
    public const int EthOffset = 16;

    private RawPeer(TcpClient tcp, RlpxConnection connection, NodeKey key)
    {
        Tcp = tcp;
        Connection = connection;
        Key = key;
    }

    public TcpClient Tcp { get; }

    public RlpxConnection Connection { get; }

    public NodeKey Key { get; }

    public static CancellationToken Limit => new CancellationTokenSource(TimeSpan.FromSeconds(60)).Token;

    /// <param name="through">What lies between the connection and the socket; null for nothing.</param>
    public static async Task<RawPeer> EncryptAsync(
        Enode target, bool plain = false, NodeKey? key = null, Func<Stream, Stream>? through = null)
    {
        var tcp = new TcpClient();
        await tcp.ConnectAsync(target.Host, target.Port);
        key ??= NodeKey.Generate();
        var stream = through?.Invoke(tcp.GetStream()) ?? tcp.GetStream();
        return new RawPeer(tcp, await RlpxConnection.InitiateAsync(stream, key, target.PublicKey, Limit, plain), key);
    }

    public static Task<RawPeer> HelloAsync(Enode target, bool plain = false, int version = 5, params Capability[] capabilities) =>
        HelloAsync(target, plain, version, through: null, capabilities);

    private static async Task<RawPeer> HelloAsync(
        Enode target, bool plain, int version, Func<Stream, Stream>? through, params Capability[] capabilities)
    {
        var peer = await EncryptAsync(target, plain, through: through);
        await peer.SendAsync(BaseMessages.Hello, BaseMessages.EncodeHello(peer.Hello(version, capabilities)));
        Assert.Equal(BaseMessages.Hello, (await peer.ReadAsync()).Code);
        peer.Connection.Snappy = version >= 5;
        return peer;
    }

    /// <summary>Past Status, over eth/63.</summary>
    public static async Task<RawPeer> ReadyAsync(
        TestNode node, bool plain = false, int version = 5, Func<Stream, Stream>? through = null)
    {
        var peer = await HelloAsync(node.Server.Self, plain, version, through, new Capability("eth", 63));
        await peer.SendAsync(EthOffset + EthCode.Status, StatusPayload());
        Assert.Equal(EthOffset + EthCode.Status, (await peer.ReadAsync()).Code);
        await TestNode.Until(() => node.HasPeer(peer.Key.NodeId), "connected");
        return peer;
    }

    public static byte[] StatusPayload(int version = 63, ulong network = 10, Hash256? genesis = null, ForkId? fork = null) =>
        new EthStatus(version, network, 1, Keccak.Hash([1]), genesis ?? TestNode.Genesis, fork).Encode();

    public HelloMessage Hello(int version, IReadOnlyList<Capability> capabilities) =>
        new(version, "raw/peer", capabilities, 0, Key.PublicKey);

    public async Task SendAsync(int code, byte[] payload)
    {
        Connection.Write(code, payload);
        await Connection.FlushAsync(Limit);
    }

    public async Task<RlpxMessage> ReadAsync() => await Connection.ReadAsync(Limit);

    /// <summary>Reads on until the node says why it disconnects; null when it closes without a word.</summary>
    public async Task<DisconnectReason?> DisconnectReasonAsync()
    {
        try
        {
            while (true)
            {
                var message = await ReadAsync();
                if (message.Code == BaseMessages.Disconnect)
                    return BaseMessages.DecodeDisconnect(message.Payload.Span);
            }
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            return null;
        }
    }

    public void Dispose() => Tcp.Dispose();
}
