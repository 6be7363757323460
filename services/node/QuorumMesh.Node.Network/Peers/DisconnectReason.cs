namespace QuorumMesh.Node.Network.Peers;

/// <summary>Reason codes of devp2p's Disconnect message.</summary>
public enum DisconnectReason
{
    Requested = 0x00,
    NetworkError = 0x01,
    ProtocolError = 0x02,
    UselessPeer = 0x03,
    TooManyPeers = 0x04,
    AlreadyConnected = 0x05,
    IncompatibleVersion = 0x06,
    InvalidIdentity = 0x07,
    Quitting = 0x08,
    UnexpectedIdentity = 0x09,
    Self = 0x0a,
    ReadTimeout = 0x0b,
    SubprotocolError = 0x10,
}
