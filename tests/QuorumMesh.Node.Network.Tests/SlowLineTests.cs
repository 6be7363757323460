using Microsoft.Extensions.Time.Testing;
using QuorumMesh.Node.Network.Eth;
using QuorumMesh.Node.Network.Peers;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Tests;

/// <summary>Long messages on slow lines: what goes on coming is no silence, and what does not ends as it did.</summary>
public sealed class SlowLineTests
{
    private readonly FakeTimeProvider _clock = new();

    [Fact]
    public async Task An_answer_that_goes_on_coming_outlasts_every_limit_on_silence()
    {
        await using var node = new TestNode(time: _clock);
        var paced = new PacedStream();
        using var peer = await RawPeer.ReadyAsync(node, through: paced.Over);
        var (body, hash, parts) = (TestNode.RlpList(8 << 20, seed: 1), Keccak.Hash([1]), 0);
        var request = node.Server.RequestBodiesAsync(peer.Key.NodeId, [hash], RawPeer.Limit);
        Assert.Equal(RawPeer.EthOffset + EthCode.GetBlockBodies, (await peer.ReadAsync()).Code);
        var sent = 0L;
        paced.Written = async count =>
        {
            (sent, parts) = (sent + count, parts + 1);
            // But for what is no part of the frame's body.
            await TestNode.Until(() => node.Server.ReceivedFrom(peer.Key.NodeId) >= sent - 1_024, "the part has come");
            _clock.Advance(TimeSpan.FromSeconds(10));
        };
        await peer.SendAsync(RawPeer.EthOffset + EthCode.BlockBodies, EthMessages.EncodeReply([body], 1));
        Assert.Equal(body, Assert.Single(await request.WaitAsync(RawPeer.Limit)));
        Assert.True(parts >= 8 * 4, $"{parts} parts");
        Assert.True(node.HasPeer(peer.Key.NodeId));
    }

    [Fact]
    public async Task One_that_stops_in_the_middle_ends_the_connection()
    {
        await using var node = new TestNode(time: _clock);
        var paced = new PacedStream();
        using var peer = await RawPeer.ReadyAsync(node, through: paced.Over);
        var never = new TaskCompletionSource();
        paced.Written = _ => never.Task;
        var sending = peer.SendAsync(RawPeer.EthOffset + EthCode.BlockBodies, EthMessages.EncodeReply([TestNode.RlpList(1 << 20, 1)], 1));
        await TestNode.Until(() => node.Server.ReceivedFrom(peer.Key.NodeId) > 0, "a part has come");
        await TestNode.Until(() =>
        {
            _clock.Advance(TimeSpan.FromSeconds(5));
            return !node.HasPeer(peer.Key.NodeId);
        }, "the connection ends");
        Assert.Equal(0, node.Server.ReceivedFrom(peer.Key.NodeId));
        never.SetCanceled();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
    }

    [Fact]
    public void A_write_is_given_up_when_it_does_not_go_on_or_goes_on_for_too_long()
    {
        var watch = new TransferWatch(_clock, TimeSpan.FromSeconds(20));
        Assert.Null(watch.Look(0));
        watch.Begin(bytes: 1 << 20); // 64 s at 16 KiB/s, and the 20 s
        for (var moved = 1; moved <= 8; moved++)
        {
            _clock.Advance(TimeSpan.FromSeconds(10));
            Assert.Null(watch.Look(moved));
        }
        _clock.Advance(TimeSpan.FromSeconds(10));
        Assert.Contains("did not end within 84 s", watch.Look(9), StringComparison.Ordinal);
        watch.End();
        Assert.Null(watch.Look(9));
        watch.Begin(bytes: 100);
        _clock.Advance(TimeSpan.FromSeconds(20));
        Assert.Null(watch.Look(9));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.Contains("did not go on for 20 s", watch.Look(9), StringComparison.Ordinal);
    }

    /// <summary>Tells of each write once it is done, and waits for whoever is told.</summary>
    private sealed class PacedStream : Stream
    {
        private Stream _inner = Null;

        public Func<int, Task> Written { get; set; } = static _ => Task.CompletedTask;

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public Stream Over(Stream inner)
        {
            _inner = inner;
            return this;
        }

        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await _inner.WriteAsync(buffer, cancellationToken);
            await Written(buffer.Length);
        }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            _inner.ReadAsync(buffer, cancellationToken);

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
    }
}
