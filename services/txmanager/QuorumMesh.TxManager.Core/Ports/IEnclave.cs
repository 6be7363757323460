using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;

namespace QuorumMesh.TxManager.Core.Ports;

/// <param name="Active">Keys that seal and open, the default one first.</param>
/// <param name="Retired">Keys that only open.</param>
/// <param name="AlwaysSendTo">Keys that the enclave's configuration adds to every transaction.</param>
public sealed record EnclaveKeys(IReadOnlyList<PublicKey> Active, IReadOnlyList<PublicKey> Retired, IReadOnlyList<PublicKey> AlwaysSendTo)
{
    /// <summary>Retired keys → the active key that the enclave's provider has under the same name.</summary>
    public IReadOnlyDictionary<PublicKey, PublicKey> Successors { get; init; } = new Dictionary<PublicKey, PublicKey>();

    /// <summary>Keys that nobody is to seal for any more; they may be among the retired ones.</summary>
    public IReadOnlyList<PublicKey> Revoked { get; init; } = [];

    /// <summary>The enclave's Ed25519 identity; null where there is none.</summary>
    public PublicKey? Identity { get; init; }
}

/// <summary>
/// Holds the keys, encrypts and decrypts. Failures are <see cref="PrivacyException"/>: <see cref="Failure.EnclaveUnavailable"/> when it
/// cannot be reached, <see cref="Failure.KeyNotFound"/> for a key it does not hold, <see cref="Failure.NoSuitableKey"/> or
/// <see cref="Failure.InvalidPayload"/> when a payload does not open.
/// </summary>
public interface IEnclave
{
    /// <summary>The keys that the enclave holds now.</summary>
    Task<EnclaveKeys> KeysAsync(CancellationToken cancel);

    /// <summary>Encrypts for exactly these recipients, in this order; all share one ciphertext.</summary>
    /// <param name="affected">What it builds on; the answer has a proof of each (tessera 4.7).</param>
    Task<EncodedPayload> SealAsync(ReadOnlyMemory<byte> payload, PublicKey sender, IReadOnlyList<PublicKey> recipients,
        IReadOnlyList<AffectedPayload> affected, CancellationToken cancel);

    /// <summary>As <see cref="SealAsync"/> with the ciphertext that <see cref="SealRawAsync"/> made.</summary>
    Task<EncodedPayload> SealStoredAsync(RawPayload raw, IReadOnlyList<PublicKey> recipients, IReadOnlyList<AffectedPayload> affected,
        CancellationToken cancel);

    /// <summary>Encrypts for the sender alone (tessera 4.1).</summary>
    Task<RawPayload> SealRawAsync(ReadOnlyMemory<byte> payload, PublicKey sender, CancellationToken cancel);

    /// <param name="ownKey">Null: the enclave finds the key that fits.</param>
    Task<OpenedPayload> OpenAsync(EncodedPayload payload, PublicKey? ownKey, CancellationToken cancel);

    /// <summary>Decrypts what <see cref="SealRawAsync"/> made.</summary>
    Task<byte[]> OpenRawAsync(RawPayload raw, CancellationToken cancel);

    /// <summary>The affected transactions of a payload whose proof does not hold, or that are not among those given.</summary>
    Task<IReadOnlyList<PayloadHash>> UnprovenAsync(
        EncodedPayload payload, IReadOnlyList<AffectedPayload> affected, CancellationToken cancel);

    /// <summary>The master key of a payload that we sent, boxed for one more recipient.</summary>
    Task<byte[]> AddBoxAsync(EncodedPayload payload, PublicKey recipient, CancellationToken cancel);
}
