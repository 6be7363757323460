using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Identities;

namespace QuorumMesh.TxManager.Core.Ports;

/// <summary>
/// The enclave's Ed25519 identity, of which there may be none. Failures are <see cref="PrivacyException"/> with
/// <see cref="Failure.EnclaveUnavailable"/>.
/// </summary>
public interface IEnclaveIdentity
{
    /// <summary>What the identity says of the enclave's keys now.</summary>
    /// <param name="after">The serial of the announcement before; 0 for none.</param>
    /// <returns>Null for an enclave without an identity, or of a version that announces nothing.</returns>
    Task<SignedAnnouncement?> AnnounceAsync(long after, CancellationToken cancel);

    /// <summary>Signs that the identity is at our URL.</summary>
    /// <param name="nonce">The asker's 32 bytes.</param>
    Task<byte[]> SignPresenceAsync(ReadOnlyMemory<byte> nonce, string url, CancellationToken cancel);

    /// <summary>Signs that payloads were opened by keys of ours and are kept.</summary>
    /// <param name="store">The id of our database.</param>
    /// <param name="deliveries">1 to <see cref="PushMany.MaxPayloads"/>.</param>
    Task<byte[]> SignReceiptsAsync(DateTimeOffset keptAt, Guid store, IReadOnlyList<Delivery> deliveries, CancellationToken cancel);
}
