namespace QuorumMesh.ServiceDefaults;

/// <summary>A setting that cannot be used. The message names the key, so that the operator can find it.</summary>
public sealed class OptionsException(string key, string problem, Exception? inner = null)
    : Exception($"{key}: {problem}", inner)
{
    /// <summary>The option as the operator wrote it: <c>--raftport</c>, <c>serverConfigs[0].serverAddress</c>.</summary>
    public string Key { get; } = key;
}

/// <summary>A start that failed for a reason the operator can mend; printed as one line.</summary>
public sealed class StartupException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>A command line that cannot be understood (exit code 2).</summary>
public sealed class UsageException(string message) : Exception(message);
