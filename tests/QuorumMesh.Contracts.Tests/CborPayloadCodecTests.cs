using CsCheck;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;

namespace QuorumMesh.Contracts.Tests;

public class CborPayloadCodecTests
{
    /// <summary>Tessera's worked bytes (tessera appendix C), from those of LEGACY.</summary>
    [Fact]
    public void Stripped_payload_has_the_worked_bytes()
    {
        string expected = "ab" + Text("sender") + Bytes(Hex.ToHex(WorkedBytes.S.Span, prefix: false))
            + Text("cipherText") + Bytes("17fa69fb05dc1b3b306befdfeab0bccd227239155571ca5fa92b040c")
            + Text("nonce") + Bytes("404142434445464748494a4b4c4d4e4f5051525354555657")
            + Text("recipientNonce") + Bytes("808182838485868788898a8b8c8d8e8f9091929394959697")
            + Text("recipientBoxes") + "81" + Bytes(WorkedBytes.BoxR)
            + Text("recipients") + "81" + Bytes(Hex.ToHex(WorkedBytes.R.Span, prefix: false))
            + Text("privacyFlag") + "00" + Text("affected") + "a0" + Text("execHash") + "40" + Text("mandatoryFor") + "80"
            + Text("privacyGroupId") + "40";
        byte[] encoded = CborPayloadCodec.Encode(WorkedBytes.Full.ForRecipient(WorkedBytes.R)!);
        Assert.Equal(331, encoded.Length);
        Assert.Equal(expected, Hex.ToHex(encoded, prefix: false));
        Assert.True(CborPayloadCodec.Begins(encoded));
        Assert.False(CborPayloadCodec.Begins(Hex.FromHex(WorkedBytes.B1)));
        Assert.Equal(WorkedBytes.B2, Hex.ToHex(LegacyPayloadCodec.Encode(CborPayloadCodec.Decode(encoded)), prefix: false));
    }

    [Fact]
    public void Any_payload_survives_a_round_trip() => PayloadGenerator.Payload.Sample(payload =>
    {
        // A group without an id is none; and of two affected transactions with one hash a map holds one.
        EncodedPayload known = payload with { AffectedTransactions = [.. payload.AffectedTransactions.DistinctBy(a => a.Hash)] };
        EncodedPayload read = CborPayloadCodec.Decode(CborPayloadCodec.Encode(known));
        Assert.Equal(LegacyPayloadCodec.Encode(known), LegacyPayloadCodec.Encode(read));
    });

    [Fact]
    public void Order_of_keys_and_unknown_ones_do_not_matter()
    {
        byte[] encoded = CborPayloadCodec.Encode(WorkedBytes.Full);
        byte[] longer = [0xac, 0x65, .. "later"u8, 0x19, 0x01, 0x00, .. encoded[1..]];
        Assert.Equal(LegacyPayloadCodec.Encode(WorkedBytes.Full), LegacyPayloadCodec.Encode(CborPayloadCodec.Decode(longer)));
        // Arrays in arrays: each would be remembered while it is passed over.
        byte[] deep = [0xac, 0x65, .. "later"u8, .. Enumerable.Repeat((byte)0x81, 100_000), .. encoded[1..]];
        var e = Assert.Throws<WireFormatException>(() => CborPayloadCodec.Decode(deep));
        Assert.Contains("nested", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("00")]
    [InlineData("a0")]
    [InlineData("ab")]
    [InlineData("a16673656e64657240")]
    [InlineData("a16673656e646572605820")]
    [InlineData("a1647468656e9f")]
    [InlineData("bf")]
    public void What_is_no_payload_is_said(string hex) =>
        Assert.Throws<WireFormatException>(() => CborPayloadCodec.Decode(Hex.FromHex(hex)));

    [Fact]
    public void Damaged_bytes_are_refused_or_read_and_nothing_else() => Gen.Select(PayloadGenerator.Payload, Gen.Int, Gen.Byte).Sample(
        (payload, place, value) =>
        {
            byte[] encoded = CborPayloadCodec.Encode(payload);
            encoded[(place & int.MaxValue) % encoded.Length] = value;
            foreach (ReadOnlyMemory<byte> bytes in new ReadOnlyMemory<byte>[] { encoded, encoded.AsMemory(0, encoded.Length / 2) })
            {
                try
                {
                    CborPayloadCodec.Decode(bytes);
                }
                catch (WireFormatException)
                {
                    // Refused.
                }
            }
        });

    private static string Text(string name) =>
        $"{0x60 + name.Length:x2}" + Convert.ToHexStringLower(System.Text.Encoding.ASCII.GetBytes(name));

    private static string Bytes(string hex) => $"58{hex.Length / 2:x2}" + hex;
}
