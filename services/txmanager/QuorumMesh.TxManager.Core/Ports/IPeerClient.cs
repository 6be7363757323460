using System.Buffers;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Parties;
using QuorumMesh.TxManager.Core.Parties;

namespace QuorumMesh.TxManager.Core.Ports;

/// <summary>
/// Calls other managers. Failures are <see cref="PrivacyException"/>: <see cref="Failure.PeerOffline"/> when no connection was made or it
/// broke, <see cref="Failure.PeerUnresponsive"/> when the deadline passed or too many calls wait for that peer,
/// <see cref="Failure.PeerRefused"/> for any answer but success. Every call ends by its deadline, whatever the peer does.
/// </summary>
public interface IPeerClient
{
    /// <param name="encodedPayload">LEGACY or CBOR, stripped for one recipient.</param>
    Task PushAsync(string peerUrl, ReadOnlySequence<byte> encodedPayload, CancellationToken cancel);

    /// <summary>Gives payloads back to a manager in recovery (tessera 2.5); any other one refuses them.</summary>
    /// <param name="encodedPayloads">LEGACY each.</param>
    Task PushBatchAsync(string peerUrl, IReadOnlyList<byte[]> encodedPayloads, CancellationToken cancel);

    /// <summary>Tells a manager of a privacy group that has keys of its (tessera 2.1).</summary>
    /// <param name="encodedGroup">By <see cref="Contracts.Payloads.PrivacyGroupCodec"/>.</param>
    Task PushGroupAsync(string peerUrl, byte[] encodedGroup, CancellationToken cancel);

    /// <summary>Tells a peer of us (tessera 2.2).</summary>
    /// <returns>Which announcement of its keys the peer has (<see cref="RestHeaders.Identity"/>); null for one that names none.</returns>
    Task<string?> SendPartyInfoAsync(string peerUrl, PartyInfo info, CancellationToken cancel);

    /// <summary>
    /// Asks a manager of ours for its identity (<see cref="Contracts.Identities.IdentityAnswer"/>). A stranger may have named the URL: the
    /// call is short in time and answer.
    /// </summary>
    /// <returns>The answer as it came; null from one that has no identity, or no such route.</returns>
    Task<byte[]?> IdentityAsync(string peerUrl, ReadOnlyMemory<byte> nonce, CancellationToken cancel);

    /// <summary>
    /// Asks a manager to prove that it can open a payload: tessera 2.3. A stranger may have named the URL: the call is short in time and
    /// answer.
    /// </summary>
    /// <returns>The text that it answered.</returns>
    /// <exception cref="PrivacyException">Also <see cref="Failure.KeyNotFound"/>: it says that it has no such key.</exception>
    Task<string> ValidateAsync(string peerUrl, ReadOnlyMemory<byte> encodedChallenge, CancellationToken cancel);

    /// <summary>
    /// The URLs of the managers that another one knows: tessera 2.1, <c>GET /partyinfo</c>. As it gives them; at most some thousand.
    /// </summary>
    Task<IReadOnlyList<string>> KnownPeersAsync(string peerUrl, CancellationToken cancel);

    /// <summary>The keys that another manager knows, its own among them, each with its URL: tessera 2.1, <c>GET /partyinfo</c>.</summary>
    Task<IReadOnlyList<KnownKey>> KnownKeysAsync(string peerUrl, CancellationToken cancel);

    /// <summary>
    /// Has a manager push back in batches what it had to do with a key of ours (tessera 2.5); completes when it has. That may take hours.
    /// </summary>
    /// <param name="batchSize">Payloads in one batch, 1 to 10,000.</param>
    /// <exception cref="PrivacyException">Also <see cref="Failure.NotFound"/>: it is of a version without batches.</exception>
    Task ResendBatchAsync(string peerUrl, PublicKey key, int batchSize, CancellationToken cancel);

    /// <summary>As <see cref="ResendBatchAsync"/>, one by one: tessera 2.4, ALL.</summary>
    Task ResendAllAsync(string peerUrl, PublicKey key, CancellationToken cancel);
}
