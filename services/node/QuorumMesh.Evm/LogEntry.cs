using QuorumMesh.Primitives;

namespace QuorumMesh.Evm;

/// <param name="Topics">At most four.</param>
public sealed record LogEntry(Address Address, Hash256[] Topics, byte[] Data);
