using QuorumMesh.Contracts.Identities;
using QuorumMesh.Primitives;

namespace QuorumMesh.Contracts.Tests;

public sealed class DeliveryReceiptsTests
{
    private static readonly DeliveryReceipts Sample = new(
        Key(9), DateTimeOffset.FromUnixTimeMilliseconds(258), new Guid([.. Enumerable.Repeat((byte)4, 16)]),
        [new Delivery(Hash(1), Key(2)), new Delivery(Hash(3), Key(5))], [.. Enumerable.Repeat((byte)6, 64)]);

    [Fact]
    public void The_bytes_are_those_of_the_contract_and_are_read_back()
    {
        byte[] expected =
        [
            1, .. Key(9).Span, 0, 0, 0, 0, 0, 0, 1, 2, .. Enumerable.Repeat((byte)4, 16), .. Enumerable.Repeat((byte)6, 64),
            .. Hash(1).ToArray(), .. Key(2).Span, .. Hash(3).ToArray(), .. Key(5).Span,
        ];
        Assert.Equal(expected, Sample.Write());
        var read = DeliveryReceipts.Read(expected);
        Assert.Equal((Sample.Identity, Sample.KeptAt, Sample.Store), (read.Identity, read.KeptAt, read.Store));
        Assert.Equal(Sample.Deliveries, read.Deliveries);
        Assert.Equal(Sample.Signature, read.Signature);
    }

    [Fact]
    public void Cuts_additions_other_versions_and_times_are_refused()
    {
        var bytes = Sample.Write();
        for (var length = 0; length < bytes.Length; length++)
            if (length != bytes.Length - 96)
                Assert.Throws<WireFormatException>(() => DeliveryReceipts.Read(bytes.AsSpan(0, length)));
        Assert.Throws<WireFormatException>(() => DeliveryReceipts.Read([.. bytes, 0]));
        Assert.Throws<WireFormatException>(() => DeliveryReceipts.Read(new byte[bytes.Length + (255 * 96)]));
        bytes[0] = 2;
        Assert.Contains("version 2", Assert.Throws<WireFormatException>(() => DeliveryReceipts.Read(bytes)).Message);
        (bytes[0], bytes[33]) = (1, 0xff);
        Assert.Contains("time", Assert.Throws<WireFormatException>(() => DeliveryReceipts.Read(bytes)).Message);
    }

    private static PublicKey Key(byte b) => new(Enumerable.Repeat(b, 32).ToArray());

    private static PayloadHash Hash(byte b) => new(Enumerable.Repeat(b, 64).ToArray());
}
