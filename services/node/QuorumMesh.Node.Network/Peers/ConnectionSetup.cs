using System.Net.Sockets;
using QuorumMesh.Listeners;
using QuorumMesh.Node.Network.Rlpx;

namespace QuorumMesh.Node.Network.Peers;

/// <summary>Brings a socket from nothing to a pair of exchanged Hellos.</summary>
internal sealed class ConnectionSetup(PeerServerOptions options, Func<int> listenPort)
{
    private readonly ByteBudget _incoming = new("p2p", options.MaxIncomingBytes);

    public static NetworkStream StreamOf(Socket socket)
    {
        socket.NoDelay = true;
        return new NetworkStream(socket, ownsSocket: true);
    }

    /// <param name="expectedId">Public key of the node dialled; null for an incoming connection.</param>
    public async Task<RlpxConnection> EncryptAsync(Stream stream, byte[]? expectedId, CancellationToken ct)
    {
        using var limit = Limit(ct);
        var connection = expectedId is null
            ? await RlpxConnection.AcceptAsync(stream, options.Key, limit.Token).ConfigureAwait(false)
            : await RlpxConnection.InitiateAsync(stream, options.Key, expectedId, limit.Token).ConfigureAwait(false);
        connection.Budget = _incoming;
        return connection;
    }

    /// <exception cref="PeerDisconnectException">The peer is not one this node can use.</exception>
    public async Task<(HelloMessage Hello, IReadOnlyList<MatchedProtocol> Protocols)> ExchangeHelloAsync(RlpxConnection connection,
        CancellationToken ct)
    {
        using var limit = Limit(ct);
        var own = new HelloMessage(
            BaseMessages.Version, options.ClientName, [.. options.Protocols.Select(protocol => protocol.Capability)], listenPort(),
            options.Key.PublicKey);
        connection.Write(BaseMessages.Hello, BaseMessages.EncodeHello(own));
        await connection.FlushAsync(limit.Token).ConfigureAwait(false);

        var message = await connection.ReadAsync(limit.Token, BaseMessages.MaxSize).ConfigureAwait(false);
        if (message.Code == BaseMessages.Disconnect)
            throw PeerDisconnectException.FromRemote(BaseMessages.DecodeDisconnect(message.Payload.Span));
        if (message.Code != BaseMessages.Hello)
            throw new PeerDisconnectException(DisconnectReason.ProtocolError,
                $"The first message has code 0x{message.Code:x2}: it must be Hello.");
        var hello = BaseMessages.DecodeHello(message.Payload.Span);
        // Hello is the peer's word; the handshake proved the key.
        if (!hello.Id.AsSpan().SequenceEqual(connection.RemoteId))
            throw new PeerDisconnectException(DisconnectReason.UnexpectedIdentity, "The node id in Hello is not the key of the handshake.");
        // From the next message on, in both directions (devp2p version 5, EIP-706).
        connection.Snappy = hello.Version >= BaseMessages.Version;
        var protocols = CapabilityMatcher.Match(options.Protocols, hello.Capabilities);
        if (!protocols.Any(match => match.Protocol.CarriesChain))
            throw new PeerDisconnectException(DisconnectReason.UselessPeer,
                $"No common protocol: the peer has {string.Join(", ", hello.Capabilities)}.");
        return (hello, protocols);
    }

    public CancellationTokenSource Limit(CancellationToken ct)
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(options.HandshakeTimeout);
        return limit;
    }
}
