using System.Security.Cryptography;
using System.Text;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.TxManager.Core.Keys;
using QuorumMesh.TxManager.Core.Parties;
using QuorumMesh.TxManager.Core.Ports;

namespace QuorumMesh.TxManager.Core.Distribution;

/// <summary>
/// Who asks for one payload of a key has to hold the key: he opens a fresh challenge that is sealed to it. Tessera answers anyone, and the
/// status then tells a stranger who is party to a transaction. Nothing is kept of a challenge: its text is a code over the question and the
/// minute, under a key of this process.
/// </summary>
public sealed class ResendGuard(PartySettings settings, OwnKeys ownKeys, IEnclave enclave, TimeProvider clock)
{
    /// <summary>What the text of every challenge begins with; the manager's URL and a space follow.</summary>
    public const string Prefix = "quorummesh-resend ";

    // Of this process: a challenge is good for this manager alone, and is void after a restart.
    private readonly byte[] _secret = RandomNumberGenerator.GetBytes(32);

    /// <summary>
    /// A challenge for a question: LEGACY bytes, sealed to the key. The text is no UUID and names no key validation, so that no manager
    /// opens it for a stranger.
    /// </summary>
    /// <exception cref="PrivacyException"><see cref="Failure.BadRequest"/> for bytes that are no key.</exception>
    public async Task<byte[]> ChallengeAsync(PublicKey key, ReadOnlyMemory<byte> hash, CancellationToken cancel)
    {
        var sender = await ownKeys.DefaultAsync(cancel).ConfigureAwait(false);
        try
        {
            var text = Encoding.UTF8.GetBytes(Text(key, hash.Span, Minute));
            return LegacyPayloadCodec.Encode(await enclave.SealAsync(text, sender, [key], [], cancel).ConfigureAwait(false));
        }
        catch (PrivacyException e) when (e.Failure is Failure.InvalidPayload or Failure.KeyNotFound)
        {
            throw new PrivacyException(Failure.BadRequest, "publicKey: is no key that something can be sealed to", e);
        }
    }

    /// <summary>Whether a text is that of a challenge for this question, of this minute or the two before.</summary>
    public bool IsProof(string? text, PublicKey key, ReadOnlyMemory<byte> hash) => text is { Length: > 0 and < 4096 }
        // In constant time: else the code could be found byte by byte from how long a refusal takes.
        && Enumerable.Range(0, 3).Any(age => CryptographicOperations.FixedTimeEquals(
            Encoding.UTF8.GetBytes(text), Encoding.UTF8.GetBytes(Text(key, hash.Span, Minute - age))));

    private long Minute => clock.GetUtcNow().ToUnixTimeSeconds() / 60;

    private string Text(PublicKey key, ReadOnlySpan<byte> hash, long minute)
    {
        // With the length of the key: else bytes could move from key to hash, and one proof would fit two questions.
        byte[] question = [.. BitConverter.GetBytes(minute), .. BitConverter.GetBytes(key.Length), .. key.Span, .. hash];
        return $"{Prefix}{settings.OwnUrl} {Convert.ToHexStringLower(HMACSHA256.HashData(_secret, question)[..24])}";
    }
}
