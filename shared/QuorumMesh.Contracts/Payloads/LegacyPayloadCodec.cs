using System.Buffers;
using QuorumMesh.Primitives;

namespace QuorumMesh.Contracts.Payloads;

/// <summary>
/// Tessera's LEGACY form of an <see cref="EncodedPayload"/> (tessera 3.2). Readers take the older forms too: without recipient keys
/// (Constellation) and without the privacy tail.
/// </summary>
public static class LegacyPayloadCodec
{
    /// <summary>Recipients, boxes and affected transactions that one payload may have.</summary>
    public const int MaxItems = 10_000;

    private const int MaxNonce = 64;
    private const int MaxBox = 1024;
    private const int MaxMetadata = 65_536;

    /// <summary>The newest form, with the privacy tail. Readers older than 20.10 stop before it (tessera 3.2).</summary>
    public static byte[] Encode(EncodedPayload payload) => EncodeShared(payload).ToArray();

    /// <summary>The same bytes, with the payload's own ciphertext in the middle: of many recipients each form is short.</summary>
    public static ReadOnlySequence<byte> EncodeShared(EncodedPayload payload)
    {
        var head = new WireWriter(64);
        head.Field(payload.SenderKey.Span);
        head.Length(payload.CipherText.Length);
        var w = new WireWriter(256 + (payload.RecipientBoxes.Count * 96));
        w.Field(payload.CipherTextNonce);
        w.Length(payload.RecipientBoxes.Count);
        foreach (byte[] box in payload.RecipientBoxes)
        {
            w.Field(box);
        }

        w.Field(payload.RecipientNonce);
        w.Keys(payload.RecipientKeys);
        WriteTail(w, payload);
        return PayloadSegment.Join(head.Written, payload.CipherText, w.Written);
    }

    /// <exception cref="WireFormatException">The bytes are not a payload; the message says where and why.</exception>
    public static EncodedPayload Decode(ReadOnlySpan<byte> data)
    {
        var r = new WireReader(data);
        var payload = new EncodedPayload
        {
            SenderKey = r.ReadKey("sender key"),
            CipherText = r.ReadField("cipher text").ToArray(),
            CipherTextNonce = r.ReadField("cipher text nonce", MaxNonce).ToArray(),
            RecipientBoxes = ReadBoxes(ref r),
            RecipientNonce = r.ReadField("recipient nonce", MaxNonce).ToArray(),
        };

        // What Constellation stored ends here, and old receivers' rows after the keys: both are standard payloads.
        if (!r.End)
        {
            payload = payload with { RecipientKeys = r.ReadKeys("recipient keys", MaxItems) };
        }

        return r.End ? payload : ReadTail(ref r, payload);
    }

    private static void WriteTail(WireWriter w, EncodedPayload payload)
    {
        w.Field([(byte)payload.PrivacyMode]);
        w.Length(payload.AffectedTransactions.Count);
        foreach (AffectedTransaction affected in payload.AffectedTransactions)
        {
            w.Field(affected.Hash.ToArray());
            w.Field(affected.SecurityHash);
        }

        if (payload.PrivacyMode == PrivacyMode.PrivateStateValidation)
        {
            w.Field(payload.ExecutionHash);
        }

        if (payload.PrivacyMode == PrivacyMode.MandatoryRecipients)
        {
            w.Keys(payload.MandatoryRecipients);
        }

        if (payload.PrivacyGroupId is { } group)
        {
            w.Field(group);
        }
    }

    private static byte[][] ReadBoxes(ref WireReader r)
    {
        var boxes = new byte[r.ReadCount("recipient boxes", MaxItems)][];
        for (int i = 0; i < boxes.Length; i++)
        {
            boxes[i] = r.ReadField("recipient box", MaxBox).ToArray();
        }

        return boxes;
    }

    private static EncodedPayload ReadTail(ref WireReader r, EncodedPayload payload)
    {
        PrivacyMode mode = ReadMode(ref r);
        AffectedTransaction[] affected = ReadAffected(ref r);
        byte[] executionHash = [];
        PublicKey[] mandatory = [];
        if (mode == PrivacyMode.PrivateStateValidation)
        {
            int start = r.Position;
            executionHash = r.ReadField("execution hash", MaxMetadata).ToArray();
            Require(executionHash.Length > 0, "ExecutionHash data is invalid", start);
        }

        if (mode == PrivacyMode.MandatoryRecipients)
        {
            int start = r.Position;
            mandatory = r.ReadKeys("mandatory recipients", MaxItems);
            Require(mandatory.Length > 0, "Mandatory recipients data is invalid", start);
        }

        byte[]? group = r.End ? null : r.ReadField("privacy group id", MaxMetadata).ToArray();
        // Nothing is passed over: what is read would otherwise not be what is stored again.
        Require(r.End, "bytes follow the payload", r.Position);
        return payload with
        {
            PrivacyMode = mode,
            AffectedTransactions = affected,
            ExecutionHash = executionHash,
            MandatoryRecipients = mandatory,
            PrivacyGroupId = group,
        };
    }

    private static PrivacyMode ReadMode(ref WireReader r)
    {
        int start = r.Position;
        ReadOnlySpan<byte> flag = r.ReadField("privacy mode", 1);
        Require(flag.Length == 1 && flag[0] <= (byte)PrivacyMode.PrivateStateValidation,
            "privacy mode: one byte from 0 to 3 is expected", start);
        return (PrivacyMode)flag[0];
    }

    private static AffectedTransaction[] ReadAffected(ref WireReader r)
    {
        var affected = new AffectedTransaction[r.ReadCount("affected transactions", MaxItems)];
        for (int i = 0; i < affected.Length; i++)
        {
            int start = r.Position;
            ReadOnlySpan<byte> hash = r.ReadField("affected transaction hash", PayloadHash.Size);
            Require(hash.Length == PayloadHash.Size, "affected transaction hash: 64 bytes are expected", start);
            affected[i] = new AffectedTransaction(new PayloadHash(hash), r.ReadField("security hash", MaxBox).ToArray());
        }

        return affected;
    }

    private static void Require(bool condition, string reason, int position)
    {
        if (!condition)
        {
            throw new WireFormatException(reason, position);
        }
    }
}
