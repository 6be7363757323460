namespace QuorumMesh.Chain.Storage;

/// <summary>A stored chain record is damaged or missing. The message names the record.</summary>
public sealed class ChainCorruptException(string message) : Exception(message);
