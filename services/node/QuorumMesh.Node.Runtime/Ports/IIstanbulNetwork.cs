using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Ports;

/// <summary>
/// The consensus messages of the <c>istanbul</c> sub-protocols: IBFT's on any version, QBFT's on version 100 alone. All members are thread
/// safe, and none waits for the network.
/// </summary>
public interface IIstanbulNetwork
{
    /// <summary>The connected peers that take consensus messages, at this moment.</summary>
    IReadOnlyList<IstanbulPeer> IstanbulPeers { get; }

    /// <summary>Who hears the messages from now on; one for the life of the network. Before it is set they are dropped.</summary>
    void HearIstanbul(IIstanbulHandler handler);

    /// <summary>
    /// Queues a message for the connected peers among the targets. The queue of a peer is bounded; when it is full the oldest messages go,
    /// for they are of older rounds. One that is longer than peers take is counted and dropped.
    /// </summary>
    /// <param name="code">0x11 for IBFT, 0x12-0x15 for QBFT; peers whose protocol lacks the code are left out.</param>
    /// <param name="message">RLP of the message; how it is wrapped on the wire is the network's affair.</param>
    /// <param name="targets">Accounts of the receivers' node keys; this node's own is passed over.</param>
    /// <param name="resend">
    /// True sends to peers that had the same bytes from this node, or sent them, before: for a message that is repeated on purpose. False
    /// leaves them out, as GoQuorum's gossip does.
    /// </param>
    void SendIstanbul(int code, ReadOnlyMemory<byte> message, IReadOnlyCollection<Address> targets, bool resend = false);
}

/// <summary>
/// Takes what peers say of consensus. Called on the peers' own threads, one call at a time per peer: must be fast and thread safe.
/// </summary>
public interface IIstanbulHandler
{
    /// <summary>To be released when it has been dealt with: what a peer has unreleased is bounded, and more of it is dropped.</summary>
    void OnIstanbul(IstanbulMessage message);

    /// <summary>Whether the account is a validator's, as far as is known: others share a smaller part of the room for messages.</summary>
    bool IsValidator(Address peer);

    /// <summary><see cref="IIstanbulNetwork.IstanbulPeers"/> is another one now.</summary>
    void OnIstanbulPeersChanged();
}

/// <summary>A connected peer that takes consensus messages.</summary>
/// <param name="NodeId">128 lower-case hex digits.</param>
/// <param name="Address">Account of its node key: the validator that it is, if it is one.</param>
/// <param name="Version">Of the <c>istanbul</c> protocol: 64, 99 or 100.</param>
public sealed record IstanbulPeer(string NodeId, Address Address, int Version);
