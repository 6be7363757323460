namespace QuorumMesh.Cli;

/// <summary>A failure that the user can act on: printed as one line, exit code 1.</summary>
public sealed class CommandException(string message) : Exception(message);
