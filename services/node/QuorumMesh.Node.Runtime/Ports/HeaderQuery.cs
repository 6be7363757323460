using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Ports;

/// <summary>GetBlockHeaders of the eth protocol.</summary>
/// <param name="Hash">Origin block by hash; null: by <paramref name="Number"/>.</param>
/// <param name="Amount">How many headers at most, the origin's included.</param>
/// <param name="Skip">Blocks left out between two headers.</param>
/// <param name="Reverse">True walks towards genesis.</param>
public sealed record HeaderQuery(Hash256? Hash, ulong Number, int Amount, ulong Skip, bool Reverse);
