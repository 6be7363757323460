using System.Text;
using CsCheck;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Enclave.Core;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Enclave.Core.Tests;

public class PayloadSealerTests
{
    private static readonly byte[] Hello = "hello quorum"u8.ToArray();

    private static EncodedPayload WorkedExample() => Samples
        .Sealer(Samples.Sequence(Samples.Run(0x00, 32), Samples.Run(0x40, 24), Samples.Run(0x80, 24)), Samples.SenderPair())
        .Seal(Hello, Samples.Sender, [Samples.Recipient, Samples.Sender]);

    [Fact]
    public void Seals_the_worked_example_byte_for_byte()
    {
        var payload = WorkedExample();
        Assert.Equal(Samples.CipherText, Convert.ToHexStringLower(payload.CipherText));
        Assert.Equal(Samples.BoxForRecipient, Convert.ToHexStringLower(payload.RecipientBoxes[0]));
        Assert.Equal(Samples.BoxForSender, Convert.ToHexStringLower(payload.RecipientBoxes[1]));
        Assert.Equal(
            "+V3DcJ+QDus30wbBzG/3PIXq5+36/w9A17BNKtklKPPqa+2CS0PkYxLPh0vmMwPZ8zfq2ke0KxXkTVnM9QuJmw==",
            Primitives.Sha3.HashPayload(payload.CipherText).ToBase64());
    }

    [Fact]
    public void Both_parties_open_it()
    {
        var payload = WorkedExample();
        var atRecipient = Samples.Sealer(Samples.RecipientPair()).Open(payload);
        Assert.Equal(Hello, atRecipient.Payload);
        Assert.Equal(Samples.Recipient, atRecipient.KeyUsed);
        Assert.Equal(Hello, Samples.Sealer(Samples.SenderPair()).Open(payload, Samples.Sender).Payload);
    }

    [Fact]
    public void Recipient_opens_a_stripped_payload()
    {
        var payload = WorkedExample();
        var stripped = payload with { RecipientBoxes = [payload.RecipientBoxes[0]], RecipientKeys = [Samples.Recipient] };
        Assert.Equal(Hello, Samples.Sealer(Samples.RecipientPair()).Open(stripped).Payload);
    }

    [Fact]
    public void One_box_with_all_keys_listed_is_ours()
    {
        // Private state validation strips boxes to one but keeps every recipient key.
        var payload = WorkedExample();
        var stripped = payload with { RecipientBoxes = [payload.RecipientBoxes[0]] };
        Assert.Equal(Hello, Samples.Sealer(Samples.RecipientPair()).Open(stripped).Payload);
    }

    [Fact]
    public void A_row_of_several_parts_has_the_keys_with_boxes_first()
    {
        // Merged of what private state validation gives to two keys of one manager: a third key has no box there.
        var other = new PublicKey([.. Enumerable.Repeat((byte)7, 32)]);
        var whole = Samples.Sealer(Samples.SenderPair()).Seal(Hello, Samples.Sender, [other, Samples.Recipient, Samples.Sender]);
        var row = whole with { RecipientBoxes = [.. whole.RecipientBoxes.Take(2)] };
        Assert.Equal(Hello, Samples.Sealer(Samples.RecipientPair()).Open(row).Payload);
        Assert.Equal(Hello, Samples.Sealer(Samples.RecipientPair()).Open(row, Samples.Recipient).Payload);
        Assert.Equal(Hello, Samples.Sealer(Samples.SenderPair()).Open(row, Samples.Sender).Payload);
    }

    [Fact]
    public void No_listed_keys_means_box_0()
    {
        var payload = WorkedExample();
        var old = payload with { RecipientBoxes = [payload.RecipientBoxes[0]], RecipientKeys = [] };
        Assert.Equal(Hello, Samples.Sealer(Samples.RecipientPair()).Open(old).Payload);
    }

    [Fact]
    public void Sender_not_listed_opens_by_the_first_recipient()
    {
        var payload = WorkedExample();
        var old = payload with { RecipientBoxes = [payload.RecipientBoxes[0]], RecipientKeys = [Samples.Recipient] };
        Assert.Equal(Hello, Samples.Sealer(Samples.SenderPair()).Open(old).Payload);
    }

    [Fact]
    public void Stranger_is_told_that_no_key_fits()
    {
        var payload = WorkedExample();
        var toSenderAlone = payload with { RecipientBoxes = [payload.RecipientBoxes[1]], RecipientKeys = [Samples.Sender] };
        Assert.Throws<UnknownKeyException>(() => Samples.Sealer(Samples.RecipientPair()).Open(toSenderAlone));
        Assert.Throws<UnknownKeyException>(() => Samples.Sealer(Samples.RecipientPair()).Open(toSenderAlone, Samples.Recipient));
        Assert.Throws<UnknownKeyException>(() => Samples.Sealer(Samples.RecipientPair()).Open(toSenderAlone, Samples.Sender));
    }

    [Fact]
    public void Changed_bytes_are_invalid_not_unknown()
    {
        var payload = WorkedExample();
        var sealer = Samples.Sealer(Samples.RecipientPair());
        Assert.Throws<InvalidCipherException>(() => sealer.Open(payload with { CipherText = Flip(payload.CipherText) }));
        Assert.Throws<InvalidCipherException>(
            () => sealer.Open(payload with { RecipientBoxes = [Flip(payload.RecipientBoxes[0]), payload.RecipientBoxes[1]] }));
        Assert.Throws<InvalidCipherException>(() => sealer.Open(payload with { CipherText = [1, 2, 3] }));
        Assert.Throws<InvalidCipherException>(() => sealer.Open(payload with { CipherTextNonce = [1] }));
        Assert.Throws<InvalidCipherException>(() => sealer.Open(payload with { RecipientBoxes = [[1], [2]] }));
    }

    [Fact]
    public void Raw_payload_matches_the_worked_example_and_keeps_its_hash_when_sent()
    {
        var sealer = Samples.Sealer(
            Samples.Sequence(Samples.Run(0x00, 32), Samples.Run(0x40, 24), Samples.Run(0x80, 24)), Samples.SenderPair());
        var raw = sealer.SealRaw(Hello, Samples.Sender);
        Assert.Equal(Samples.CipherText, Convert.ToHexStringLower(raw.CipherText));
        Assert.Equal(Samples.RawEncryptedKey, Convert.ToHexStringLower(raw.EncryptedKey));
        Assert.Equal(Hello, sealer.OpenRaw(raw).Payload);

        var sent = sealer.SealFromRaw(raw, [Samples.Recipient, Samples.Sender]);
        Assert.Equal(raw.CipherText, sent.CipherText);
        Assert.Equal(Samples.BoxForRecipient, Convert.ToHexStringLower(sent.RecipientBoxes[0]));
        Assert.Equal(Hello, Samples.Sealer(Samples.RecipientPair()).Open(sent).Payload);
    }

    [Fact]
    public void Adds_a_box_for_one_more_recipient()
    {
        var sealer = Samples.Sealer(Samples.SenderPair());
        var payload = sealer.Seal(Hello, Samples.Sender, [Samples.Sender]);
        var box = sealer.AddBox(payload, Samples.Recipient);
        var grown = payload with { RecipientBoxes = [box], RecipientKeys = [Samples.Recipient] };
        Assert.Equal(Hello, Samples.Sealer(Samples.RecipientPair()).Open(grown).Payload);
        Assert.Throws<UnknownKeyException>(() => Samples.Sealer(Samples.RecipientPair()).AddBox(payload, Samples.Recipient));
    }

    [Fact]
    public void Security_hash_matches_the_worked_example()
    {
        var affectedHash = Primitives.Sha3.HashPayload(Convert.FromHexString(Samples.CipherText));
        var sealer = Samples.Sealer(
            Samples.Sequence(Samples.Run(0x20, 32), Samples.Run(0xa0, 24), Samples.Run(0x80, 24)), Samples.SenderPair());
        var update = sealer.Seal("update 1"u8, Samples.Sender, [Samples.Sender]);
        Assert.Equal("1893b2e5efc1061e5f5ffad564f7efbd9ead78d15d1805df", Convert.ToHexStringLower(update.CipherText));

        var affected = new AffectedPayload(affectedHash, WorkedExample());
        var hash = Assert.Single(sealer.SecurityHashes(update.CipherText, [affected]));
        Assert.Equal(
            "0e48dfa3c699e1254bd1d61af7bac5d6e0c7e1cae647a99cc718c4c3c28d721f77f08dda48c446d90d8a3fd9cef71689ea27e494021a122b54dff0a4c5f50762",
            Convert.ToHexStringLower(hash.SecurityHash));
        Assert.Empty(sealer.InvalidSecurityHashes(update.CipherText, [hash], [affected]));
        Assert.Single(sealer.InvalidSecurityHashes(update.CipherText, [hash with { SecurityHash = Flip(hash.SecurityHash) }], [affected]));
        Assert.Single(sealer.InvalidSecurityHashes(update.CipherText, [hash], []));
    }

    [Fact]
    public void A_key_that_a_rotation_retires_sends_until_the_grace_ends()
    {
        var sealer = Samples.Sealer(Samples.SenderPair());
        sealer.Replace(new KeyRing([Samples.RecipientPair(), Samples.SenderPair(EnclaveKeyState.Retired)]));
        Assert.Equal(Samples.Sender, sealer.Seal("x"u8, Samples.Sender, [Samples.Recipient]).SenderKey);
        sealer.EndGrace();
        Assert.Throws<UnknownKeyException>(() => sealer.Seal("x"u8, Samples.Sender, [Samples.Recipient]));
        // One that is gone altogether has no grace.
        sealer.Replace(new KeyRing([Samples.SenderPair()]));
        Assert.Throws<UnknownKeyException>(() => sealer.Seal("x"u8, Samples.Recipient, [Samples.Sender]));
    }

    [Fact]
    public void A_ring_without_keys_seals_and_opens_nothing()
    {
        var sealer = Samples.Sealer(Samples.SenderPair());
        var payload = sealer.Seal("x"u8, Samples.Sender, [Samples.Sender]);
        sealer.Replace(KeyRing.None);
        Assert.Throws<UnknownKeyException>(() => sealer.Open(payload, null));
        Assert.Throws<UnknownKeyException>(() => sealer.Seal("x"u8, Samples.Sender, [Samples.Sender]));
        Assert.Throws<UnknownKeyException>(() => KeyRing.None.Default);
    }

    [Fact]
    public void Retired_key_opens_but_does_not_send()
    {
        var payload = WorkedExample();
        var sealer = Samples.Sealer(Samples.SenderPair(), Samples.RecipientPair(EnclaveKeyState.Retired));
        Assert.Equal(Hello, sealer.Open(payload, Samples.Recipient).Payload);
        Assert.Throws<UnknownKeyException>(() => sealer.Seal(Hello, Samples.Recipient, [Samples.Sender]));
    }

    [Fact]
    public void Unknown_sender_and_useless_recipients_are_refused()
    {
        var sealer = Samples.Sealer(Samples.SenderPair());
        var error = Assert.Throws<UnknownKeyException>(() => sealer.Seal(Hello, Samples.Recipient, [Samples.Sender]));
        Assert.Equal($"Public key {Samples.RecipientPublic} not found when searching for private key", error.Message);
        Assert.Throws<InvalidCipherException>(() => sealer.Seal(Hello, Samples.Sender, []));
        Assert.Throws<InvalidCipherException>(() => sealer.Seal(Hello, Samples.Sender, [new PublicKey(new byte[32])]));
    }

    [Fact]
    public void Any_payload_comes_back() => Gen.Byte.Array[0, 2000].Select(Gen.Int).Sample((payload, seed) =>
    {
        var sealer = Samples.Sealer(Samples.Count(seed), Samples.SenderPair(), Samples.RecipientPair());
        var payloadBack = sealer.Open(sealer.Seal(payload, Samples.Sender, [Samples.Recipient, Samples.Sender]), Samples.Recipient);
        return payloadBack.Payload.AsSpan().SequenceEqual(payload);
    });

    [Fact]
    public void Cache_is_bounded_and_right_after_eviction()
    {
        using var cache = new SharedKeyCache(4);
        var sealer = new PayloadSealer(new KeyRing([Samples.SenderPair()]), cache, Samples.Count(1));
        var recipients = Enumerable.Range(1, 20).Select(i =>
        {
            using var secret = SecretBuffer.CopyOf(Enumerable.Repeat((byte)i, 32).ToArray());
            return NaClBox.PublicKeyOf(secret.Span);
        }).ToArray();
        var payload = sealer.Seal(Hello, Samples.Sender, [.. recipients, Samples.Recipient, .. recipients]);
        Assert.Equal(4, cache.Count);
        Assert.Equal(Hello, Samples.Sealer(Samples.RecipientPair()).Open(payload).Payload);
    }

    [Fact]
    public void Errors_and_texts_never_show_a_secret()
    {
        using var secret = SecretBuffer.CopyOf(Encoding.ASCII.GetBytes("a secret that must not be shown!"));
        Assert.DoesNotContain("must", secret.ToString());
        Assert.Throws<ArgumentException>(() => new EnclaveKeyPair(Samples.Sender, secret, "x", "1", EnclaveKeyState.Active));
        Assert.Throws<ArgumentException>(() => new KeyRing([]));
        Assert.Throws<ArgumentException>(() => new KeyRing([Samples.SenderPair(), Samples.SenderPair()]));
    }

    private static byte[] Flip(byte[] bytes)
    {
        var copy = (byte[])bytes.Clone();
        copy[^1] ^= 1;
        return copy;
    }
}
