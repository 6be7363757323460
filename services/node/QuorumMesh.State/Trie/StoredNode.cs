using QuorumMesh.Primitives;

namespace QuorumMesh.State;

/// <summary>A node to write at its place, or (no RLP) to delete there.</summary>
internal readonly record struct StoredNode(byte[]? Encoded, Hash256 Hash);
