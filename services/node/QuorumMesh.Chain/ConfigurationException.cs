namespace QuorumMesh.Chain;

/// <summary>A genesis file or chain setting cannot be used. The message names the field and says what to do.</summary>
public sealed class ConfigurationException(string message) : Exception(message);
