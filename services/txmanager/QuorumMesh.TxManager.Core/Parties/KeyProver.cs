using System.Text;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.TxManager.Core.Keys;
using QuorumMesh.TxManager.Core.Ports;

namespace QuorumMesh.TxManager.Core.Parties;

internal enum Proof
{
    /// <summary>The URL opened a fresh challenge sealed to the key.</summary>
    Given,

    /// <summary>The manager there says that it has no such key.</summary>
    Denied,

    /// <summary>No answer, or another one: it may be down or busy.</summary>
    Failed,
}

/// <summary>Has a URL prove a key: it must open a fresh challenge.</summary>
internal sealed class KeyProver(OwnKeys ownKeys, IEnclave enclave, IPeerClient peers)
{
    /// <exception cref="PrivacyException">Our own enclave cannot make the challenge.</exception>
    public Task<Proof> ProveAsync(string url, PublicKey key, CancellationToken cancel) =>
        ProveAsync(url, key, KeyChallenge.Create(url), cancel);

    /// <summary>A proof that no Tessera could have been made to give for another URL; only managers of ours can.</summary>
    /// <exception cref="PrivacyException">Our own enclave cannot make the challenge.</exception>
    public Task<Proof> ProveNamedAsync(string url, PublicKey key, CancellationToken cancel) =>
        ProveAsync(url, key, KeyChallenge.CreateNamed(url), cancel);

    /// <summary>A named proof in which the URL says, too, that the key is an identity's.</summary>
    /// <exception cref="PrivacyException">Our own enclave cannot make the challenge.</exception>
    public Task<Proof> ProveForAsync(string url, PublicKey key, PublicKey identity, CancellationToken cancel) =>
        ProveAsync(url, key, KeyChallenge.CreateFor(url, identity), cancel);

    private async Task<Proof> ProveAsync(string url, PublicKey key, string text, CancellationToken cancel)
    {
        EncodedPayload challenge;
        try
        {
            var sender = await ownKeys.DefaultAsync(cancel).ConfigureAwait(false);
            challenge = await enclave.SealAsync(Encoding.ASCII.GetBytes(text), sender, [key], [], cancel).ConfigureAwait(false);
        }
        catch (PrivacyException e) when (e.Failure is Failure.InvalidPayload or Failure.KeyNotFound)
        {
            // Bytes that are no key.
            return Proof.Denied;
        }

        try
        {
            var answer = await peers.ValidateAsync(url, LegacyPayloadCodec.Encode(challenge), cancel).ConfigureAwait(false);
            return answer.Trim() == text ? Proof.Given : Proof.Failed;
        }
        catch (PrivacyException e)
        {
            return e.Failure == Failure.KeyNotFound ? Proof.Denied : Proof.Failed;
        }
    }
}
