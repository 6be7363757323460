using System.Buffers;
using System.Security.Cryptography;
using CsCheck;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;

namespace QuorumMesh.Contracts.Tests;

public class LegacyPayloadCodecTests
{
    private static string EncodeHex(EncodedPayload payload) => Hex.ToHex(LegacyPayloadCodec.Encode(payload), prefix: false);

    [Fact]
    public void The_form_for_each_recipient_has_the_ciphertext_itself()
    {
        var payload = WorkedBytes.Full;
        var shared = LegacyPayloadCodec.EncodeShared(payload);
        Assert.Equal(LegacyPayloadCodec.Encode(payload), shared.ToArray());
        var same = 0;
        foreach (var piece in shared)
            same += piece.Span == payload.CipherText.AsSpan() ? 1 : 0;
        Assert.Equal(1, same);
    }

    [Fact]
    public void Full_payload_has_the_worked_bytes()
    {
        byte[] encoded = LegacyPayloadCodec.Encode(WorkedBytes.Full);
        Assert.Equal(WorkedBytes.B1, Hex.ToHex(encoded, prefix: false));
        Assert.Equal(365, encoded.Length);
        Assert.Equal("1747cfd5533846f1f5559837edb1521b3fd26decbdfe5ddd62d9dcd57c4bd47a",
            Convert.ToHexStringLower(SHA256.HashData(encoded)));
        Assert.Equal(WorkedBytes.HashBase64, WorkedBytes.Full.ComputeHash().ToBase64());
    }

    [Fact]
    public void Stripped_payload_has_the_worked_bytes()
    {
        byte[] encoded = LegacyPayloadCodec.Encode(WorkedBytes.Full.ForRecipient(WorkedBytes.R)!);
        Assert.Equal(WorkedBytes.B2, Hex.ToHex(encoded, prefix: false));
        Assert.Equal("ae4325dbeb3c172232ba26c2e7e58b19242d2212585827c986e4942563a1ac7d",
            Convert.ToHexStringLower(SHA256.HashData(encoded)));
        Assert.Null(WorkedBytes.Full.ForRecipient(new PublicKey([1, 2, 3])));
    }

    [Theory]
    [InlineData(WorkedBytes.B1)]
    [InlineData(WorkedBytes.B2)]
    [InlineData(WorkedBytes.B4)]
    [InlineData(WorkedBytes.B5)]
    public void Worked_bytes_survive_a_round_trip(string hex) =>
        Assert.Equal(hex, EncodeHex(LegacyPayloadCodec.Decode(Hex.FromHex(hex))));

    [Fact]
    public void Privacy_tails_are_read()
    {
        string hash = Hex.ToHex(WorkedBytes.Full.ComputeHash().ToArray(), prefix: false);
        string hex = WorkedBytes.WithoutTail + WorkedBytes.B3Tail.Replace("{hash}", hash, StringComparison.Ordinal);
        EncodedPayload psv = LegacyPayloadCodec.Decode(Hex.FromHex(hex));
        Assert.Equal(PrivacyMode.PrivateStateValidation, psv.PrivacyMode);
        Assert.Equal("execHash-example"u8.ToArray(), psv.ExecutionHash);
        AffectedTransaction affected = Assert.Single(psv.AffectedTransactions);
        Assert.Equal(WorkedBytes.Full.ComputeHash(), affected.Hash);
        Assert.Equal(WorkedBytes.SecurityHash, Hex.ToHex(affected.SecurityHash, prefix: false));
        Assert.Equal(hex, EncodeHex(psv));
        Assert.Equal([WorkedBytes.S, WorkedBytes.R], psv.ForRecipient(WorkedBytes.S)!.RecipientKeys);

        Assert.Equal([WorkedBytes.R], LegacyPayloadCodec.Decode(Hex.FromHex(WorkedBytes.B4)).MandatoryRecipients);
        Assert.Equal("private"u8.ToArray(), LegacyPayloadCodec.Decode(Hex.FromHex(WorkedBytes.B5)).PrivacyGroupId);
        Assert.Equal(413, WorkedBytes.B4.Length / 2);
        Assert.Equal(380, WorkedBytes.B5.Length / 2);
    }

    [Fact]
    public void Old_forms_are_standard_private()
    {
        EncodedPayload withoutKeys = LegacyPayloadCodec.Decode(Hex.FromHex(WorkedBytes.WithoutKeys));
        Assert.Empty(withoutKeys.RecipientKeys);
        Assert.Equal(PrivacyMode.StandardPrivate, withoutKeys.PrivacyMode);
        EncodedPayload withoutTail = LegacyPayloadCodec.Decode(Hex.FromHex(WorkedBytes.WithoutTail));
        Assert.Equal([WorkedBytes.R, WorkedBytes.S], withoutTail.RecipientKeys);
        Assert.Equal(PrivacyMode.StandardPrivate, withoutTail.PrivacyMode);
    }

    [Theory]
    [InlineData("", "sender key", 0)]
    [InlineData("0000000000000020ffe5", "sender key", 0)]
    [InlineData("ffffffffffffffff00", "length -1", 0)]
    [InlineData("7fffffffffffffff00", "length 9223372036854775807", 0)]
    [InlineData("0000000000000000", "empty key", 0)]
    [InlineData(WorkedBytes.WithoutTail + "000000000000000107" + "0000000000000000", "privacy mode", 348)]
    [InlineData(WorkedBytes.B5 + "00", "bytes follow", 380)]
    [InlineData(WorkedBytes.WithoutKeys + "0000000000002710", "recipient keys", 260)]
    public void Bad_bytes_are_refused_with_their_place(string hex, string reason, int position)
    {
        var e = Assert.Throws<WireFormatException>(() => LegacyPayloadCodec.Decode(Hex.FromHex(hex)));
        Assert.Contains(reason, e.Message, StringComparison.Ordinal);
        Assert.Equal(position, e.Position);
    }

    [Fact]
    public void Every_truncation_is_refused_or_an_old_form()
    {
        byte[] whole = Hex.FromHex(WorkedBytes.B1);
        int[] oldForms = [WorkedBytes.WithoutKeys.Length / 2, WorkedBytes.WithoutTail.Length / 2];
        for (int length = 0; length < whole.Length; length++)
        {
            Exception? e = Record.Exception(() => LegacyPayloadCodec.Decode(whole.AsSpan(0, length)));
            Assert.Equal(oldForms.Contains(length), e is null);
            Assert.True(e is null or WireFormatException);
        }
    }

    [Fact]
    public void Random_payloads_survive_a_round_trip() => PayloadGenerator.Payload.Sample(payload =>
    {
        byte[] encoded = LegacyPayloadCodec.Encode(payload);
        return LegacyPayloadCodec.Encode(LegacyPayloadCodec.Decode(encoded)).AsSpan().SequenceEqual(encoded);
    });

    [Fact]
    public void Changed_bytes_never_throw_anything_else() =>
        Gen.Select(PayloadGenerator.Payload, Gen.Int[0, 5000], Gen.Byte, Gen.Int[0, 40]).Sample(
        (payload, at, value, cut) =>
        {
            byte[] encoded = LegacyPayloadCodec.Encode(payload);
            encoded[at % encoded.Length] = value;
            try
            {
                LegacyPayloadCodec.Decode(encoded.AsSpan(0, Math.Max(0, encoded.Length - cut)));
            }
            catch (WireFormatException)
            {
            }
        });

    [Fact]
    public void Random_bytes_never_throw_anything_else() => Gen.Byte.Array[0, 300].Sample(bytes =>
    {
        try
        {
            LegacyPayloadCodec.Decode(bytes);
        }
        catch (WireFormatException)
        {
        }
    });
}
