using System.Buffers;

namespace QuorumMesh.Contracts.Tests;

public sealed class PushManyTests
{
    [Fact]
    public void Payloads_and_statuses_come_back_as_they_went()
    {
        byte[][] payloads = [[1, 2, 3], [], [.. Enumerable.Repeat((byte)7, 300)]];
        var body = PushMany.Write([.. payloads.Select(p => new ReadOnlySequence<byte>(p))]);
        Assert.Equal(payloads, PushMany.Read(body).Select(p => p.ToArray()));
        Assert.Equal([0, 0, 0, 3, 1, 2, 3, 0, 0, 0, 0, 0, 0, 1, 44, 7], body[..16]);

        Assert.True(PushMany.TryReadStatuses(PushMany.WriteStatuses([201, 404, 503]), 3, out var statuses));
        Assert.Equal([201, 404, 503], statuses);
    }

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(0, 0, 0, 2, 1)]
    [InlineData(0, 0, 0, 1, 1, 9)]
    [InlineData(255, 255, 255, 255, 1)]
    [InlineData(127, 255, 255, 255, 1)]
    public void A_body_that_ends_within_a_payload_is_none(params int[] body) =>
        Assert.Throws<WireFormatException>(() => PushMany.Read(body.Select(b => (byte)b).ToArray()));

    [Fact]
    public void More_payloads_than_a_request_may_have_are_refused()
    {
        Assert.Equal(PushMany.MaxPayloads, PushMany.Read(new byte[4 * PushMany.MaxPayloads]).Count);
        Assert.Throws<WireFormatException>(() => PushMany.Read(new byte[4 * (PushMany.MaxPayloads + 1)]));
    }

    [Fact]
    public void Statuses_for_another_number_of_payloads_are_no_answer()
    {
        Assert.False(PushMany.TryReadStatuses([0, 201, 0], 1, out _));
        Assert.False(PushMany.TryReadStatuses([0, 201], 2, out _));
        Assert.False(PushMany.TryReadStatuses([0, 201, 0, 201], 1, out _));
    }
}
