namespace QuorumMesh.Enclave.Keys;

/// <summary>A key that cannot be had. The message names the setting or file, and never a secret.</summary>
public class KeyException(string key, string problem, Exception? inner = null) : Exception($"{key}: {problem}", inner)
{
    /// <summary>The setting or file at fault.</summary>
    public string Key { get; } = key;

    /// <summary>What is wrong with it, without any secret.</summary>
    public string Problem { get; } = problem;
}
