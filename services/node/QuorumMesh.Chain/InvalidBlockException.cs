namespace QuorumMesh.Chain;

/// <summary>A block breaks a rule. The message says which, and what was expected.</summary>
public sealed class InvalidBlockException(string message) : Exception(message);
