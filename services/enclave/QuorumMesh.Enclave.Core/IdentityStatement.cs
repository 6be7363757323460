using System.Buffers.Binary;
using System.Text;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Identities;

namespace QuorumMesh.Enclave.Core;

/// <summary>
/// What an enclave's identity may say. Signed is the text <c>quorummesh identity 1: KIND</c>, a zero byte and the kind's body, whose parts
/// have fixed lengths, but for the last, so that no statement reads as another.
/// </summary>
public sealed class IdentityStatement
{
    /// <summary>Bytes of a payload's hash: SHA3-512 of its ciphertext (tessera 3).</summary>
    public const int PayloadHashSize = 64;

    /// <summary>Bytes of a DER public key of TLS at most: RSA of 16,384 bits has 2,086.</summary>
    private const int MaxTlsKey = 4096;

    /// <summary>Characters of a manager's URL.</summary>
    private const int MaxUrl = 2048;

    private IdentityStatement(string kind, params ReadOnlySpan<byte[]> body)
    {
        var head = Encoding.ASCII.GetBytes($"quorummesh identity 1: {kind}\0");
        var length = head.Length;
        foreach (var part in body) length += part.Length;
        var signed = new byte[length];
        head.CopyTo(signed, 0);
        var at = head.Length;
        foreach (var part in body)
        {
            part.CopyTo(signed, at);
            at += part.Length;
        }
        Signed = signed;
    }

    /// <summary>What the signature is over.</summary>
    internal byte[] Signed { get; }

    /// <summary>
    /// A payload was opened by the recipient's key and is kept. Body: hash ‖ recipient (32 bytes) ‖ milliseconds since 1970 (8 bytes,
    /// big-endian).
    /// </summary>
    /// <exception cref="InvalidCipherException">The hash has not 64 bytes or the key not 32, or the time lies before 1970.</exception>
    public static IdentityStatement DeliveryReceipt(ReadOnlySpan<byte> payloadHash, PublicKey recipient, DateTimeOffset keptAt)
    {
        ArgumentNullException.ThrowIfNull(recipient);
        if (recipient.Length != NaClBox.KeySize)
            throw new InvalidCipherException($"the recipient's key has {recipient.Length} bytes, not {NaClBox.KeySize}");
        if (payloadHash.Length != PayloadHashSize)
            throw new InvalidCipherException($"the payload's hash has {payloadHash.Length} bytes, not {PayloadHashSize}");
        var milliseconds = keptAt.ToUnixTimeMilliseconds();
        if (milliseconds < 0) throw new InvalidCipherException("the time lies before 1970");
        var time = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(time, milliseconds);
        return new IdentityStatement("delivery receipt", payloadHash.ToArray(), recipient.ToArray(), time);
    }

    /// <summary>A TLS key is that of this enclave's manager. Body: the DER of its SubjectPublicKeyInfo.</summary>
    /// <exception cref="InvalidCipherException">Empty, or more than 4096 bytes.</exception>
    public static IdentityStatement ManagerTlsKey(ReadOnlySpan<byte> publicKeyInfo) =>
        publicKeyInfo.Length is > 0 and <= MaxTlsKey ? new IdentityStatement("manager tls key", publicKeyInfo.ToArray())
            : throw new InvalidCipherException($"a TLS key has 1 to {MaxTlsKey} bytes, not {publicKeyInfo.Length}");

    /// <summary>
    /// Payloads were opened by the recipients' keys and are kept. Body: milliseconds since 1970 (8 bytes, big-endian) ‖ the store's id
    /// (16) ‖ for each hash (64) ‖ recipient (32).
    /// </summary>
    /// <exception cref="InvalidCipherException">There is none or there are too many, a key has not 32 bytes, or the time lies before
    /// 1970.</exception>
    public static IdentityStatement DeliveryReceipts(DateTimeOffset keptAt, Guid store, IReadOnlyList<Delivery> deliveries)
    {
        ArgumentNullException.ThrowIfNull(deliveries);
        if (deliveries.Count is 0 or > PushMany.MaxPayloads)
            throw new InvalidCipherException($"receipts are for 1 to {PushMany.MaxPayloads} payloads, not {deliveries.Count}");
        if (deliveries.Any(d => d.Recipient.Length != NaClBox.KeySize))
            throw new InvalidCipherException($"a recipient's key has {NaClBox.KeySize} bytes");
        var milliseconds = keptAt.ToUnixTimeMilliseconds();
        if (milliseconds < 0)
            throw new InvalidCipherException("the time lies before 1970");
        var time = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(time, milliseconds);
        return new IdentityStatement("delivery receipts", time, store.ToByteArray(bigEndian: true),
            Contracts.Identities.DeliveryReceipts.Entries(deliveries));
    }

    /// <summary>These keys are the identity's. Body: the bytes of <see cref="KeyAnnouncementCodec"/>.</summary>
    /// <exception cref="InvalidCipherException">Empty, or longer than any announcement.</exception>
    public static IdentityStatement OwnKeys(ReadOnlySpan<byte> announcement) =>
        announcement.Length is > 0 and <= KeyAnnouncementCodec.MaxSize ? new IdentityStatement("own keys", announcement.ToArray())
            : throw new InvalidCipherException($"an announcement has 1 to {KeyAnnouncementCodec.MaxSize} bytes, not {announcement.Length}");

    /// <summary>The identity is at the manager of a URL, for who asks now. Body: the asker's 32 bytes ‖ the URL in UTF-8.</summary>
    /// <exception cref="InvalidCipherException">Not 32 bytes, or no URL of at most 2048 characters.</exception>
    public static IdentityStatement Presence(ReadOnlySpan<byte> nonce, string url)
    {
        ArgumentNullException.ThrowIfNull(url);
        if (nonce.Length != IdentityAnswer.NonceSize)
            throw new InvalidCipherException($"a question has {IdentityAnswer.NonceSize} bytes, not {nonce.Length}");
        if (url.Length is 0 or > MaxUrl)
            throw new InvalidCipherException($"a URL has 1 to {MaxUrl} characters, not {url.Length}");
        return new IdentityStatement("presence", nonce.ToArray(), Encoding.UTF8.GetBytes(url));
    }
}
