namespace QuorumMesh.Enclave.Keys.Vault;

/// <summary>A key pair in a KV version 2 secret, as Tessera's keyData names it.</summary>
/// <param name="Setting">The entry in the configuration, for errors.</param>
/// <param name="Engine">The mount of the KV engine.</param>
/// <param name="Name">The secret's path below the mount.</param>
/// <param name="PublicId">The member with the public key's base64.</param>
/// <param name="PrivateId">The member with the private key's base64, or its transit ciphertext.</param>
/// <param name="Version">0: the latest, and those before it to open old payloads.</param>
/// <param name="Retired">Whether it opens alone, whatever its version.</param>
internal sealed record VaultKeyReference(
    string Setting, string Engine, string Name, string PublicId, string PrivateId, int Version, bool Retired)
{
    public override string ToString() => $"{Engine}/{Name}";
}
