namespace QuorumMesh.Node.Network.Rlpx;

/// <summary>A message as it came in: code over the whole connection, payload decompressed.</summary>
public readonly record struct RlpxMessage(int Code, ReadOnlyMemory<byte> Payload);
