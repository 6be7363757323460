using QuorumMesh.Contracts;

namespace QuorumMesh.Enclave.Core;

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
        if (NaClBox.PublicKeyOf(privateKey.Span) != publicKey)
            throw new ArgumentException($"the private key does not belong to the public key {publicKey}");
        PublicKey = publicKey;
        PrivateKey = privateKey;
        Id = id;
        Version = version;
        State = state;
    }

    public PublicKey PublicKey { get; }

    public string Id { get; }

    public string Version { get; }

    public EnclaveKeyState State { get; }

    internal SecretBuffer PrivateKey { get; }

    public void Dispose() => PrivateKey.Dispose();
}
