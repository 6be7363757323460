namespace QuorumMesh.State;

/// <summary>Stored data is damaged or missing. The message names the key.</summary>
public sealed class StateCorruptException(string message) : Exception(message);

/// <summary>The asked state is not kept: pruned, not yet reached, or superseded.</summary>
public sealed class StateUnavailableException(string message) : Exception(message);
