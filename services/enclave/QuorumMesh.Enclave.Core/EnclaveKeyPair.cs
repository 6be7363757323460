using QuorumMesh.Contracts;

namespace QuorumMesh.Enclave.Core;

/// <summary>What a key may be used for.</summary>
public enum EnclaveKeyState
{
    Active,

    /// <summary>Opens old payloads, seals nothing new.</summary>
    Retired,
}

/// <summary>A key pair with the name and version that its provider knows it by. Owns the private key.</summary>
public sealed class EnclaveKeyPair : IDisposable
{
    /// <exception cref="ArgumentException">The private key does not belong to the public key, or has a wrong length.</exception>
    public EnclaveKeyPair(PublicKey publicKey, SecretBuffer privateKey, string id, string version, EnclaveKeyState state)
    {
        ArgumentNullException.ThrowIfNull(privateKey);
        if (privateKey.Length != NaClBox.KeySize)
            throw new ArgumentException($"the private key of {publicKey} has {privateKey.Length} bytes, not {NaClBox.KeySize}");
        // A wrong pair would seal payloads that nobody can open, and only the recipients would notice.
        if (NaClBox.PublicKeyOf(privateKey.Span) != publicKey)
            throw new ArgumentException($"the private key does not belong to the public key {publicKey}");
        PublicKey = publicKey;
        PrivateKey = privateKey;
        Id = id;
        Version = version;
        State = state;
    }

    /// <summary>32 bytes.</summary>
    public PublicKey PublicKey { get; }

    /// <summary>The provider's name for it: a file's name, or the place in the configuration.</summary>
    public string Id { get; }

    /// <summary>The provider's version of it; "1" where there is only one.</summary>
    public string Version { get; }

    /// <summary>Whether it seals, or opens alone.</summary>
    public EnclaveKeyState State { get; }

    internal SecretBuffer PrivateKey { get; }

    public void Dispose() => PrivateKey.Dispose();
}
