namespace QuorumMesh.Enclave.Keys;

/// <summary>
/// A key that cannot be had now and may be had later: the vault is sealed, away, busy or without a leader. To be tried again, while
/// what else goes wrong with a key waits for an operator.
/// </summary>
public sealed class KeyUnavailableException(string key, string problem, Exception? inner = null) : KeyException(key, problem, inner);
