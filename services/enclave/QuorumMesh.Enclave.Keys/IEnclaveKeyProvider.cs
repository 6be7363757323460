using QuorumMesh.Enclave.Core;

namespace QuorumMesh.Enclave.Keys;

/// <summary>Where the enclave's keys come from: files, a vault, each key from its own. Calls come one at a time.</summary>
public interface IEnclaveKeyProvider
{
    /// <summary>Raised, on any thread, when <see cref="LoadAsync"/> would answer otherwise than before.</summary>
    event Action? Changed;

    /// <summary>All key pairs read anew, the default one first. The caller owns the ring's pairs.</summary>
    /// <exception cref="KeyUnavailableException">A vault cannot give its keys now.</exception>
    /// <exception cref="KeyException">A key cannot be read.</exception>
    Task<KeyRing> LoadAsync(CancellationToken cancellation);

    /// <summary>
    /// Looks whether a vault has other versions than those loaded; null when not. The ring shares the pairs that stay with the one
    /// before.
    /// </summary>
    /// <exception cref="KeyException">Not all could be looked at; what is loaded stays.</exception>
    Task<KeyRing?> RefreshAsync(CancellationToken cancellation);

    /// <summary>How fresh the loaded keys are.</summary>
    KeyFreshness Freshness { get; }
}

/// <param name="Contact">When the vault that was heard of least recently confirmed its keys; null where no key is in a vault.</param>
/// <param name="UsableUntil">When they may be used no longer without a further confirmation; null: for ever.</param>
/// <param name="NextLook">When <see cref="IEnclaveKeyProvider.RefreshAsync"/> is due; null: never.</param>
public readonly record struct KeyFreshness(DateTimeOffset? Contact, DateTimeOffset? UsableUntil, DateTimeOffset? NextLook);
