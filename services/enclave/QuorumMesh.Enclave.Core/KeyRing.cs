using QuorumMesh.Contracts;

namespace QuorumMesh.Enclave.Core;

/// <summary>A key of ours that nobody is to seal for any more; its pair may still be held, to open what was sealed for it.</summary>
/// <param name="Successor">A key to name instead; null for none.</param>
public sealed record RevokedKey(PublicKey Key, PublicKey? Successor);

/// <summary>The enclave's key pairs at one time, the default one first.</summary>
public sealed class KeyRing
{
    private readonly Dictionary<PublicKey, EnclaveKeyPair> _byPublicKey = [];

    private KeyRing()
    {
        Keys = [];
        Revoked = [];
    }

    /// <summary>Without a key: before the first are there, and when they may be used no longer.</summary>
    public static KeyRing None { get; } = new();

    /// <exception cref="ArgumentException">No active key, one key twice, or an active key that is revoked.</exception>
    public KeyRing(IReadOnlyList<EnclaveKeyPair> keys, IReadOnlyList<RevokedKey>? revoked = null)
    {
        ArgumentNullException.ThrowIfNull(keys);
        Revoked = revoked ?? [];
        foreach (var key in keys)
            if (!_byPublicKey.TryAdd(key.PublicKey, key))
                throw new ArgumentException($"the public key {key.PublicKey} is given twice");
        // A stable sort: active before retired, and otherwise as configured, so that the first configured key is the default
        // (tessera 4.9).
        Keys = [.. keys.OrderBy(k => k.State)];
        if (Keys.Count == 0 || Keys[0].State != EnclaveKeyState.Active)
            throw new ArgumentException("there is no active key");
        foreach (var (key, _) in Revoked)
            if (Find(key) is { State: EnclaveKeyState.Active })
                throw new ArgumentException($"the key {key} is revoked and would seal: rotate it first ('qmesh keys revoke' does both)");
    }

    /// <summary>In the order of the configuration.</summary>
    public IReadOnlyList<RevokedKey> Revoked { get; }

    /// <summary>Active ones first, in the order of the configuration.</summary>
    public IReadOnlyList<EnclaveKeyPair> Keys { get; }

    /// <summary>The key that sends when a request names none.</summary>
    /// <exception cref="UnknownKeyException">There is no key.</exception>
    public EnclaveKeyPair Default => Keys.Count > 0 ? Keys[0] : throw new UnknownKeyException("no key is loaded");

    /// <summary>Null for a key that is not ours.</summary>
    public EnclaveKeyPair? Find(PublicKey key) => _byPublicKey.GetValueOrDefault(key);

    /// <exception cref="UnknownKeyException">Not ours; worded as Tessera words it.</exception>
    public EnclaveKeyPair Get(PublicKey key) =>
        Find(key) ?? throw new UnknownKeyException($"Public key {key} not found when searching for private key");
}
