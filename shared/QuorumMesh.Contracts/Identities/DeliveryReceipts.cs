using System.Buffers.Binary;
using QuorumMesh.Primitives;

namespace QuorumMesh.Contracts.Identities;

/// <summary>A payload, and the key of its recipient that opened it (32 bytes).</summary>
public sealed record Delivery(PayloadHash Hash, PublicKey Recipient);

/// <summary>
/// A recipient's receipts for what came with one push, or with several in one request: version (1) ‖ identity (32) ‖ time (8, milliseconds
/// since 1970) ‖ store (16) ‖ signature (64) ‖ for each payload its hash (64) and the recipient's key (32). Numbers are big-endian. One
/// signature is over time, store and all payloads.
/// </summary>
/// <param name="Identity">Ed25519, 32 bytes.</param>
/// <param name="KeptAt">When all of them were on the recipient's disk, by its clock.</param>
/// <param name="Store">The id of the recipient's database, 16 bytes: another one may have lost what this one had.</param>
/// <param name="Deliveries">In the order of the request; 1 to <see cref="PushMany.MaxPayloads"/>.</param>
public sealed record DeliveryReceipts(
    PublicKey Identity, DateTimeOffset KeptAt, Guid Store, IReadOnlyList<Delivery> Deliveries, byte[] Signature)
{
    /// <summary>Bytes of a database's id.</summary>
    public const int StoreSize = 16;

    private const byte Version = 1;
    private const int KeySize = 32;
    private const int SignatureSize = 64;
    private const int HeadSize = 1 + KeySize + sizeof(long) + StoreSize + SignatureSize;
    private const int EntrySize = PayloadHash.Size + KeySize;

    /// <summary>The end of 9999, the last that a DateTimeOffset holds.</summary>
    private const long MaxMilliseconds = 253_402_300_799_999;

    /// <summary>The bytes, as they are sent and kept.</summary>
    public byte[] Write()
    {
        var time = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(time, KeptAt.ToUnixTimeMilliseconds());
        return [Version, .. Identity.Span, .. time, .. Store.ToByteArray(bigEndian: true), .. Signature, .. Entries(Deliveries)];
    }

    /// <summary>The payloads as they are written and signed.</summary>
    public static byte[] Entries(IReadOnlyList<Delivery> deliveries)
    {
        var bytes = new byte[deliveries.Count * EntrySize];
        for (var i = 0; i < deliveries.Count; i++)
        {
            deliveries[i].Hash.ToArray().CopyTo(bytes, i * EntrySize);
            deliveries[i].Recipient.Span.CopyTo(bytes.AsSpan((i * EntrySize) + PayloadHash.Size));
        }

        return bytes;
    }

    /// <summary>Reads them; whether the signature holds is another question.</summary>
    /// <exception cref="WireFormatException">The bytes are none; the message says where and why.</exception>
    public static DeliveryReceipts Read(ReadOnlySpan<byte> bytes)
    {
        var (count, rest) = Math.DivRem(bytes.Length - HeadSize, EntrySize);
        if (count is < 1 or > PushMany.MaxPayloads || rest != 0)
            throw new WireFormatException($"receipts are for 1 to {PushMany.MaxPayloads} payloads of {EntrySize} bytes each", bytes.Length);
        if (bytes[0] != Version)
            throw new WireFormatException($"version {bytes[0]} of receipts is not known", 0);
        var time = BinaryPrimitives.ReadInt64BigEndian(bytes[(1 + KeySize)..]);
        if (time is < 0 or > MaxMilliseconds)
            throw new WireFormatException("the time lies before 1970 or after 9999", 1 + KeySize);
        var deliveries = new Delivery[count];
        for (var i = 0; i < count; i++)
        {
            var entry = bytes.Slice(HeadSize + (i * EntrySize), EntrySize);
            deliveries[i] = new Delivery(new PayloadHash(entry[..PayloadHash.Size]), new PublicKey(entry[PayloadHash.Size..]));
        }

        var at = 1 + KeySize + sizeof(long);
        return new DeliveryReceipts(
            new PublicKey(bytes.Slice(1, KeySize)), DateTimeOffset.FromUnixTimeMilliseconds(time),
            new Guid(bytes.Slice(at, StoreSize), bigEndian: true), deliveries, bytes.Slice(at + StoreSize, SignatureSize).ToArray());
    }
}
