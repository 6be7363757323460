using System.Security.Cryptography;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;

namespace QuorumMesh.Enclave.Core;

/// <summary>Encrypts and decrypts payloads as Tessera's NaCl enclave does. Safe for concurrent use.</summary>
public sealed class PayloadSealer
{
    /// <summary>Most boxes in one payload: what a request may make the enclave compute.</summary>
    public const int MaxRecipients = 4096;
    /// <summary>Most bytes of a plain payload.</summary>
    public const int MaxPayload = 32 * 1024 * 1024;

    private const int BoxSize = NaClBox.KeySize + NaClBox.TagSize;
    private readonly SharedKeyCache _cache;
    private readonly RandomFill _random;
    private volatile KeyRing _ring;
    private volatile HashSet<PublicKey> _leaving = [];

    /// <summary>Seals with the ring's active keys; <paramref name="random"/> gives master keys and nonces, and must be fit for
    /// keys.</summary>
    public PayloadSealer(KeyRing ring, SharedKeyCache cache, RandomFill random)
    {
        _ring = ring;
        _cache = cache;
        _random = random;
    }

    /// <summary>The keys in use now.</summary>
    public KeyRing Ring => _ring;

    /// <summary>
    /// Takes other keys into use. The old ring's owner disposes it once calls in flight are done. A key that was active and is retired now
    /// still seals until <see cref="EndGrace"/>: for calls that chose it as the default, and for a manager that has not asked since.
    /// </summary>
    public void Replace(KeyRing ring)
    {
        // First: a call between the two lines must find the old key either active or leaving.
        _leaving = [.. _leaving, .. _ring.Keys.Where(k => k.State == EnclaveKeyState.Active).Select(k => k.PublicKey)];
        _ring = ring;
        // Shared keys are made of private ones: those of a key that is gone must not stay.
        _cache.Clear();
    }

    /// <summary>Retired keys seal no more.</summary>
    public void EndGrace() => _leaving = [];

    /// <param name="recipients">In the order that the payload lists them; the caller adds the sender.</param>
    /// <remarks>A new key and nonce for each payload (RandomNumberGenerator in the host): the same plain text never has the same
    /// hash on the chain, by which strangers could tell repeated transactions.</remarks>
    public EncodedPayload Seal(ReadOnlySpan<byte> payload, PublicKey sender, IReadOnlyList<PublicKey> recipients)
    {
        CheckLength(payload);
        var own = ActiveKey(sender);
        CheckRecipients(recipients);
        Span<byte> masterKey = stackalloc byte[NaClBox.KeySize];
        try
        {
            _random(masterKey);
            var nonce = RandomNonce();
            var cipherText = new byte[payload.Length + NaClBox.TagSize];
            NaClBox.Seal(payload, nonce, masterKey, cipherText);
            return BoxAll(masterKey, own, cipherText, nonce, recipients);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(masterKey);
        }
    }

    /// <summary>Encrypts for ourselves alone, as /storeraw does. The box has the ciphertext's own nonce, since Tessera keeps one
    /// nonce; the two keys differ.</summary>
    public RawPayload SealRaw(ReadOnlySpan<byte> payload, PublicKey sender)
    {
        CheckLength(payload);
        var own = ActiveKey(sender);
        Span<byte> masterKey = stackalloc byte[NaClBox.KeySize];
        try
        {
            _random(masterKey);
            var nonce = RandomNonce();
            var cipherText = new byte[payload.Length + NaClBox.TagSize];
            NaClBox.Seal(payload, nonce, masterKey, cipherText);
            return new RawPayload(cipherText, Box(masterKey, nonce, own, own.PublicKey), nonce, own.PublicKey);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(masterKey);
        }
    }

    /// <summary>Boxes the master key of a stored raw payload; ciphertext and nonce, and so the hash, stay.</summary>
    public EncodedPayload SealFromRaw(RawPayload raw, IReadOnlyList<PublicKey> recipients)
    {
        ArgumentNullException.ThrowIfNull(raw);
        CheckRecipients(recipients);
        var own = _ring.Get(raw.SenderKey);
        Span<byte> masterKey = stackalloc byte[NaClBox.KeySize];
        try
        {
            OpenBox(raw.EncryptedKey, raw.Nonce, own, own.PublicKey, masterKey);
            return BoxAll(masterKey, own, raw.CipherText, raw.Nonce, recipients);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(masterKey);
        }
    }

    /// <param name="own">The key to open with; null tries those of ours that can fit.</param>
    /// <exception cref="UnknownKeyException">No key of ours is a party.</exception>
    /// <exception cref="InvalidCipherException">A key of ours is a party but the bytes do not open.</exception>
    public OpenedPayload Open(EncodedPayload payload, PublicKey? own = null)
    {
        ArgumentNullException.ThrowIfNull(payload);
        Span<byte> masterKey = stackalloc byte[NaClBox.KeySize];
        try
        {
            var used = OpenMasterKey(payload, own, masterKey);
            return new OpenedPayload(OpenCipher(payload.CipherText, payload.CipherTextNonce, masterKey), used.PublicKey);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(masterKey);
        }
    }

    /// <summary>Decrypts what <see cref="SealRaw"/> made.</summary>
    public OpenedPayload OpenRaw(RawPayload raw)
    {
        ArgumentNullException.ThrowIfNull(raw);
        var own = _ring.Get(raw.SenderKey);
        Span<byte> masterKey = stackalloc byte[NaClBox.KeySize];
        try
        {
            OpenBox(raw.EncryptedKey, raw.Nonce, own, own.PublicKey, masterKey);
            return new OpenedPayload(OpenCipher(raw.CipherText, raw.Nonce, masterKey), own.PublicKey);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(masterKey);
        }
    }

    /// <summary>The master key of a payload that we sent, boxed for one more recipient.</summary>
    public byte[] AddBox(EncodedPayload payload, PublicKey recipient)
    {
        ArgumentNullException.ThrowIfNull(payload);
        var own = _ring.Get(payload.SenderKey);
        Span<byte> masterKey = stackalloc byte[NaClBox.KeySize];
        try
        {
            OpenMasterKey(payload, own.PublicKey, masterKey);
            // The nonce is used again: under one recipient's shared key it only ever seals this one master key, so that the box
            // comes out as if it had been there from the start.
            return Box(masterKey, payload.RecipientNonce, own, recipient);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(masterKey);
        }
    }

    /// <summary>One proof for each affected transaction, in order (tessera 4.7).</summary>
    public IReadOnlyList<AffectedTransaction> SecurityHashes(ReadOnlySpan<byte> cipherText, IReadOnlyList<AffectedPayload> affected)
    {
        ArgumentNullException.ThrowIfNull(affected);
        var proofs = new AffectedTransaction[affected.Count];
        for (var i = 0; i < proofs.Length; i++)
            proofs[i] = new AffectedTransaction(affected[i].Hash, SecurityHashOf(cipherText, affected[i].Payload));
        return proofs;
    }

    /// <summary>
    /// The affected hashes whose proof does not hold; one whose payload is not given cannot be proven, so it is among them.
    /// </summary>
    public IReadOnlyList<PayloadHash> InvalidSecurityHashes(
        ReadOnlySpan<byte> cipherText, IReadOnlyList<AffectedTransaction> claimed, IReadOnlyList<AffectedPayload> affected)
    {
        ArgumentNullException.ThrowIfNull(claimed);
        // The list comes with the request: a payload that is named twice must not throw.
        var known = affected.DistinctBy(a => a.Hash).ToDictionary(a => a.Hash, a => a.Payload);
        var invalid = new List<PayloadHash>();
        foreach (var claim in claimed)
            if (!known.TryGetValue(claim.Hash, out var payload)
                // In constant time: a sender that could measure how much of a guess fits could forge the proof that it holds the
                // master key.
                || !CryptographicOperations.FixedTimeEquals(SecurityHashOf(cipherText, payload), claim.SecurityHash))
                invalid.Add(claim.Hash);
        return invalid;
    }

    private byte[] SecurityHashOf(ReadOnlySpan<byte> cipherText, EncodedPayload affected)
    {
        // The master key is part of what is hashed: the buffer is locked memory and is zeroed.
        using var input = new SecretBuffer(cipherText.Length + affected.CipherText.Length + NaClBox.KeySize);
        // Tessera's order: new ciphertext, affected ciphertext, its master key. In another no Tessera could check the proof (tessera 4.7).
        cipherText.CopyTo(input.Span);
        affected.CipherText.CopyTo(input.Span[cipherText.Length..]);
        OpenMasterKey(affected, null, input.Span[^NaClBox.KeySize..]);
        return Sha3.Hash512(input.Span);
    }

    private EncodedPayload BoxAll(
        ReadOnlySpan<byte> masterKey, EnclaveKeyPair own, byte[] cipherText, byte[] nonce, IReadOnlyList<PublicKey> recipients)
    {
        // One nonce for all boxes, as Tessera has it: each is under another shared key, and all hold the same master key (tessera
        // 4.1).
        var recipientNonce = RandomNonce();
        var boxes = new byte[recipients.Count][];
        for (var i = 0; i < boxes.Length; i++)
            boxes[i] = Box(masterKey, recipientNonce, own, recipients[i]);
        return new EncodedPayload
        {
            SenderKey = own.PublicKey,
            CipherText = cipherText,
            CipherTextNonce = nonce,
            RecipientBoxes = boxes,
            RecipientNonce = recipientNonce,
            RecipientKeys = [.. recipients],
        };
    }

    private byte[] Box(ReadOnlySpan<byte> masterKey, ReadOnlySpan<byte> nonce, EnclaveKeyPair own, PublicKey recipient)
    {
        Span<byte> shared = stackalloc byte[NaClBox.KeySize];
        try
        {
            _cache.Get(own, recipient, shared);
            var box = new byte[BoxSize];
            NaClBox.Seal(masterKey, nonce, shared, box);
            return box;
        }
        finally
        {
            CryptographicOperations.ZeroMemory(shared);
        }
    }

    private EnclaveKeyPair OpenMasterKey(EncodedPayload payload, PublicKey? wanted, Span<byte> masterKey)
    {
        // One ring for the whole call: keys may be replaced meanwhile.
        var ring = _ring;
        if (wanted is { } named)
        {
            var own = ring.Get(named);
            var found = BoxFinder.Find(payload, named) ?? throw new UnknownKeyException("recipient not found in listed keys");
            OpenBox(found.Box, payload.RecipientNonce, own, found.Peer, masterKey);
            return own;
        }

        var party = false;
        foreach (var own in ring.Keys)
        {
            if (BoxFinder.Find(payload, own.PublicKey) is not { } found)
                continue;
            // Boxes of old payloads may be another key's. Which key of ours fits only a try can tell.
            party = true;
            if (TryOpenBox(found.Box, payload.RecipientNonce, own, found.Peer, masterKey))
                return own;
        }

        throw party && payload.RecipientKeys.Count > 0
            ? new InvalidCipherException("the recipient box does not open with our key")
            : new UnknownKeyException("no key of this enclave is a party to the payload");
    }

    private void OpenBox(byte[] box, byte[] nonce, EnclaveKeyPair own, PublicKey peer, Span<byte> masterKey)
    {
        if (!TryOpenBox(box, nonce, own, peer, masterKey))
            throw new InvalidCipherException("the box of the master key does not open");
    }

    private bool TryOpenBox(byte[] box, byte[] nonce, EnclaveKeyPair own, PublicKey peer, Span<byte> masterKey)
    {
        // Told here: further down a wrong length looks like a key that does not fit, and the next one would be tried.
        if (box.Length != BoxSize)
            throw new InvalidCipherException($"a recipient box has {BoxSize} bytes, not {box.Length}");
        Span<byte> shared = stackalloc byte[NaClBox.KeySize];
        try
        {
            _cache.Get(own, peer, shared);
            return NaClBox.TryOpen(box, nonce, shared, masterKey);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(shared);
        }
    }

    private static byte[] OpenCipher(byte[] cipherText, byte[] nonce, ReadOnlySpan<byte> masterKey)
    {
        if (cipherText.Length < NaClBox.TagSize)
            throw new InvalidCipherException($"a ciphertext has at least {NaClBox.TagSize} bytes, not {cipherText.Length}");
        var payload = new byte[cipherText.Length - NaClBox.TagSize];
        return NaClBox.TryOpen(cipherText, nonce, masterKey, payload)
            ? payload
            : throw new InvalidCipherException("the ciphertext does not open with its master key");
    }

    private byte[] RandomNonce()
    {
        var nonce = new byte[NaClBox.NonceSize];
        _random(nonce);
        return nonce;
    }

    private EnclaveKeyPair ActiveKey(PublicKey sender)
    {
        var own = _ring.Get(sender);
        return own.State == EnclaveKeyState.Active || _leaving.Contains(sender)
            ? own
            : throw new UnknownKeyException($"Public key {sender} is retired: it opens old payloads but sends nothing new");
    }

    private static void CheckLength(ReadOnlySpan<byte> payload)
    {
        if (payload.Length > MaxPayload)
            throw new InvalidCipherException($"a payload has at most {MaxPayload} bytes, not {payload.Length}");
    }

    private static void CheckRecipients(IReadOnlyList<PublicKey> recipients)
    {
        ArgumentNullException.ThrowIfNull(recipients);
        // The caller has added the sender. A payload without any box could never be opened again, not by us either.
        if (recipients.Count is 0 or > MaxRecipients)
            throw new InvalidCipherException($"a payload has 1 to {MaxRecipients} recipients, not {recipients.Count}");
    }
}
