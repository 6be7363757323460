namespace QuorumMesh.Node.Runtime;

/// <summary>
/// Something to be done with the other members of the network: a message, a connection. Each engine has kinds of its own, which go unread
/// through the core to the engine's link to the network.
/// </summary>
public abstract record NetworkEffect;
