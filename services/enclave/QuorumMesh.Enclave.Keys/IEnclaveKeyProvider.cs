using QuorumMesh.Enclave.Core;

namespace QuorumMesh.Enclave.Keys;

/// <summary>Where the enclave's keys come from: files, a vault.</summary>
public interface IEnclaveKeyProvider
{
    /// <summary>Raised, on any thread, when <see cref="LoadAsync"/> would answer otherwise than before.</summary>
    event Action? Changed;

    /// <summary>All key pairs, the default one first.</summary>
    /// <exception cref="KeyException">A key cannot be read.</exception>
    Task<KeyRing> LoadAsync(CancellationToken cancellation);
}
