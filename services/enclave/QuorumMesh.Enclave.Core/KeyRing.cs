using QuorumMesh.Contracts;

namespace QuorumMesh.Enclave.Core;

/// <summary>The enclave's key pairs at one time, the default one first.</summary>
public sealed class KeyRing
{
    private readonly Dictionary<PublicKey, EnclaveKeyPair> _byPublicKey = [];

    /// <exception cref="ArgumentException">No active key, or one key twice.</exception>
    public KeyRing(IReadOnlyList<EnclaveKeyPair> keys)
    {
        ArgumentNullException.ThrowIfNull(keys);
        foreach (var key in keys)
            if (!_byPublicKey.TryAdd(key.PublicKey, key))
                throw new ArgumentException($"the public key {key.PublicKey} is given twice");
        Keys = [.. keys.OrderBy(k => k.State)];
        if (Keys.Count == 0 || Keys[0].State != EnclaveKeyState.Active)
            throw new ArgumentException("there is no active key");
    }

    public IReadOnlyList<EnclaveKeyPair> Keys { get; }

    public EnclaveKeyPair Default => Keys[0];

    public EnclaveKeyPair? Find(PublicKey key) => _byPublicKey.GetValueOrDefault(key);

    /// <exception cref="UnknownKeyException">Not ours; worded as Tessera words it.</exception>
    public EnclaveKeyPair Get(PublicKey key) =>
        Find(key) ?? throw new UnknownKeyException($"Public key {key} not found when searching for private key");
}
