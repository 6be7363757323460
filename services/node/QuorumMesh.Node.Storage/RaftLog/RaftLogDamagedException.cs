namespace QuorumMesh.Node.Storage.RaftLog;

/// <summary>The log on disk cannot be used: damaged in its middle, or written by something else. The message says what to do.</summary>
public sealed class RaftLogDamagedException(string message) : IOException(message);
