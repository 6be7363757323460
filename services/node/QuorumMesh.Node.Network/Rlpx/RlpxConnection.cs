using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using QuorumMesh.Listeners;
using QuorumMesh.Primitives;
using Snappier;

namespace QuorumMesh.Node.Network.Rlpx;

/// <summary>
/// An encrypted message stream. One reader and one writer at a time; writing only fills a buffer until <see cref="FlushAsync"/>,
/// which waits for the socket, so a slow peer slows its own sender.
/// </summary>
public sealed class RlpxConnection : IAsyncDisposable
{
    /// <summary>Longest payload, before compression.</summary>
    public const int MaxMessageSize = 10 * 1024 * 1024;

    /// <summary>Longest decompressed length a peer may declare (snappy).</summary>
    public const int MaxDecodedSize = 16 * 1024 * 1024;

    /// <summary>A longer frame may take its time, as long as it goes on.</summary>
    private const int LongFrame = 64 * 1024;

    /// <summary>128 kbit/s: what takes longer, from its first byte to its last, is given up.</summary>
    private const int LeastBytesPerSecond = 16 * 1024;

    private const int ReadBufferSize = 64 * 1024;
    private const int KeptWriteBuffer = 512 * 1024;

    /// <summary>Handed to the socket at once, so that one can see whether a long frame goes on.</summary>
    private const int WriteSize = 256 * 1024;

    private static readonly TimeSpan LeastFrameTime = TimeSpan.FromSeconds(30);

    private readonly Stream _stream;
    private readonly PipeReader _input;
    private readonly FrameCodec _codec;
    private ArrayBufferWriter<byte> _output = new(16 * 1024);
    private long _received;
    private long _sent;

    private RlpxConnection(Stream stream, PipeReader input, RlpxHandshake handshake)
    {
        _stream = stream;
        _input = input;
        RemoteId = handshake.RemoteId;
        RemoteNodeId = Hex.ToHex(RemoteId, prefix: false);
        _codec = new FrameCodec(handshake.DeriveSecrets());
    }

    /// <summary>Public key of the other side, 64 bytes, proven by the handshake.</summary>
    public byte[] RemoteId { get; }

    /// <summary>The same as 128 lower-case hex digits.</summary>
    public string RemoteNodeId { get; }

    /// <summary>Compress and expect compressed: switched on once both Hello messages are through.</summary>
    public bool Snappy { get; set; }

    /// <summary>What frames on their way in count against, with those of all other connections; null counts nothing.</summary>
    public ByteBudget? Budget { get; set; }

    /// <summary>Bytes written and not flushed.</summary>
    public int Pending => _output.WrittenCount;

    /// <summary>Bytes of long frames that have come, the one on its way included. May be read from any thread.</summary>
    public long Received => Volatile.Read(ref _received);

    /// <summary>Bytes that the socket has taken. May be read from any thread.</summary>
    public long Sent => Volatile.Read(ref _sent);

    /// <summary>How long so many bytes may be on their way.</summary>
    internal static TimeSpan TimeFor(long bytes, TimeSpan least) => least + TimeSpan.FromSeconds((double)bytes / LeastBytesPerSecond);

    /// <exception cref="RlpxException">The other side is not the node asked for, or speaks something else.</exception>
    public static async Task<RlpxConnection> InitiateAsync(Stream stream, NodeKey key, ReadOnlyMemory<byte> remoteId, CancellationToken ct,
        bool plain = false)
    {
        var input = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: ReadBufferSize, leaveOpen: true));
        var handshake = new RlpxHandshake(key, HandshakeRandom.Create());
        await stream.WriteAsync(handshake.CreateAuth(remoteId.Span, plain), ct).ConfigureAwait(false);
        await ReadPacketAsync(input, RlpxHandshake.PlainAckSize, handshake.ReadAck, ct).ConfigureAwait(false);
        return new RlpxConnection(stream, input, handshake);
    }

    /// <exception cref="RlpxException">The other side speaks something else, or looks for another node.</exception>
    public static async Task<RlpxConnection> AcceptAsync(Stream stream, NodeKey key, CancellationToken ct)
    {
        var input = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: ReadBufferSize, leaveOpen: true));
        var handshake = new RlpxHandshake(key, HandshakeRandom.Create());
        await ReadPacketAsync(input, RlpxHandshake.PlainAuthSize, handshake.ReadAuth, ct).ConfigureAwait(false);
        await stream.WriteAsync(handshake.CreateAck(), ct).ConfigureAwait(false);
        return new RlpxConnection(stream, input, handshake);
    }

    /// <summary>The next message.</summary>
    /// <exception cref="RlpxException">Rules broken: close the connection.</exception>
    /// <exception cref="EndOfStreamException">Closed by the other side.</exception>
    public async ValueTask<RlpxMessage> ReadAsync(CancellationToken ct, int maxSize = MaxMessageSize)
    {
        int size = await ReadHeaderAsync(ct).ConfigureAwait(false);
        int maxFrame = Snappy ? SnappyBound(maxSize) + 5 : maxSize + 5;
        if (size == 0 || size > maxFrame)
            throw new RlpxException($"A frame of {size} bytes is outside the limit of {maxFrame}.");
        int length = FrameCodec.BodyLength(size);
        using var lease = Budget?.Lease();
        // Counted before the memory is taken. The length is a stranger's, though its MAC was right.
        if (lease?.TryHold(length) == false)
            throw new RlpxException($"A frame of {size} bytes does not fit beside what other peers are sending.");
        var buffer = ArrayPool<byte>.Shared.Rent(length);
        try
        {
            await ReadBodyAsync(buffer.AsMemory(0, length), ct).ConfigureAwait(false);
            _codec.ReadBody(buffer.AsSpan(0, length));
            return Decode(buffer.AsSpan(0, size), maxSize);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Appends a message to the write buffer.</summary>
    public void Write(int code, ReadOnlySpan<byte> payload)
    {
        if (payload.Length > MaxMessageSize)
            throw new ArgumentException($"A message of {payload.Length} bytes is longer than devp2p allows.", nameof(payload));
        Span<byte> prefix = stackalloc byte[1];
        prefix[0] = code switch
        {
            0 => 0x80,
            > 0 and < 0x80 => (byte)code,
            _ => throw new ArgumentOutOfRangeException(nameof(code)),
        };
        if (!Snappy)
        {
            _codec.Write(prefix, payload, _output);
            return;
        }
        var compressed = ArrayPool<byte>.Shared.Rent(Snappier.Snappy.GetMaxCompressedLength(payload.Length));
        try
        {
            int length = Snappier.Snappy.Compress(payload, compressed);
            _codec.Write(prefix, compressed.AsSpan(0, length), _output);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(compressed);
        }
    }

    /// <summary>Sends what was written, and returns when the socket has taken it.</summary>
    public async ValueTask FlushAsync(CancellationToken ct)
    {
        if (_output.WrittenCount == 0)
            return;
        for (var rest = _output.WrittenMemory; !rest.IsEmpty;)
        {
            var some = rest[..Math.Min(rest.Length, WriteSize)];
            await _stream.WriteAsync(some, ct).ConfigureAwait(false);
            Interlocked.Add(ref _sent, some.Length);
            rest = rest[some.Length..];
        }
        if (_output.Capacity > KeptWriteBuffer)
            _output = new ArrayBufferWriter<byte>(16 * 1024);
        else
            _output.ResetWrittenCount();
    }

    /// <summary>Closes the stream at once; pending reads and writes fail.</summary>
    public void Abort() => _stream.Dispose();

    /// <summary>To be called once nobody reads or writes any more.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync().ConfigureAwait(false);
        await _input.CompleteAsync().ConfigureAwait(false);
        _codec.Dispose();
    }

    private static int SnappyBound(int length) => 32 + length + length / 6;

    private RlpxMessage Decode(ReadOnlySpan<byte> frame, int maxSize)
    {
        if (frame[0] is 0 or > 0x80)
            throw new RlpxException("A message code is not a number below 128 in canonical RLP.");
        int code = frame[0] & 0x7f;
        var data = frame[1..];
        if (!Snappy)
            return new RlpxMessage(code, data.ToArray());
        return new RlpxMessage(code, Decompress(data, maxSize));
    }

    private static byte[] Decompress(ReadOnlySpan<byte> data, int maxSize)
    {
        try
        {
            // The declared length is checked first: some bytes can unfold to gigabytes.
            long length = Snappier.Snappy.GetUncompressedLength(data);
            if (length < 0 || length > Math.Min(maxSize, MaxDecodedSize))
                throw new RlpxException($"A message of {length} bytes is longer than the limit of {maxSize}.");
            var decoded = new byte[length];
            if (Snappier.Snappy.Decompress(data, decoded) != length)
                throw new RlpxException("A compressed message is shorter than it declares.");
            return decoded;
        }
        catch (Exception e) when (e is InvalidDataException or ArgumentException or InvalidOperationException)
        {
            throw new RlpxException("A message is not valid snappy data: " + e.Message);
        }
    }

    private async ValueTask<int> ReadHeaderAsync(CancellationToken ct)
    {
        var result = await _input.ReadAtLeastAsync(FrameCodec.HeaderLength, ct).ConfigureAwait(false);
        if (result.Buffer.Length < FrameCodec.HeaderLength)
            throw Closed(result);
        return TakeHeader(result.Buffer);
    }

    private int TakeHeader(ReadOnlySequence<byte> buffer)
    {
        Span<byte> header = stackalloc byte[FrameCodec.HeaderLength];
        var slice = buffer.Slice(0, FrameCodec.HeaderLength);
        slice.CopyTo(header);
        _input.AdvanceTo(slice.End);
        return _codec.ReadHeader(header);
    }

    private async ValueTask ReadBodyAsync(Memory<byte> destination, CancellationToken ct)
    {
        if (destination.Length <= LongFrame)
        {
            await ReadExactlyAsync(destination, isLong: false, ct).ConfigureAwait(false);
            return;
        }
        // Its memory is counted until it has come: drops that go on for ever would hold it for ever.
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var most = TimeFor(destination.Length, LeastFrameTime);
        limit.CancelAfter(most);
        try
        {
            await ReadExactlyAsync(destination, isLong: true, limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new RlpxException($"A frame of {destination.Length} bytes did not come within {most.TotalSeconds:0} s.");
        }
    }

    /// <summary>Drains the pipe as bytes come, so that a long frame is held once.</summary>
    private async ValueTask ReadExactlyAsync(Memory<byte> destination, bool isLong, CancellationToken ct)
    {
        while (!destination.IsEmpty)
        {
            var result = await _input.ReadAsync(ct).ConfigureAwait(false);
            if (result.Buffer.IsEmpty && result.IsCompleted)
                throw Closed(result);
            var slice = result.Buffer.Slice(0, Math.Min(destination.Length, result.Buffer.Length));
            slice.CopyTo(destination.Span);
            destination = destination[(int)slice.Length..];
            if (isLong) Interlocked.Add(ref _received, slice.Length);
            _input.AdvanceTo(slice.End);
        }
    }

    private delegate void PacketReader(ReadOnlySpan<byte> packet);

    private static async Task ReadPacketAsync(PipeReader input, int plainSize, PacketReader read, CancellationToken ct)
    {
        var result = await input.ReadAtLeastAsync(plainSize, ct).ConfigureAwait(false);
        if (result.Buffer.Length < plainSize)
            throw Closed(result);
        var start = result.Buffer.Slice(0, plainSize).ToArray();
        // A plain packet begins with the 0x04 of its public key; an EIP-8 packet with its size, which may look the same.
        if (start[0] == 0x04 && TryRead(read, start))
        {
            input.AdvanceTo(result.Buffer.GetPosition(plainSize));
            return;
        }
        int size = BinaryPrimitives.ReadUInt16BigEndian(start) + 2;
        if (size < plainSize)
            throw new RlpxException("The handshake packet is too short: not an RLPx peer.");
        input.AdvanceTo(result.Buffer.Start, result.Buffer.GetPosition(plainSize));
        result = await input.ReadAtLeastAsync(size, ct).ConfigureAwait(false);
        if (result.Buffer.Length < size)
            throw Closed(result);
        var packet = result.Buffer.Slice(0, size).ToArray();
        input.AdvanceTo(result.Buffer.GetPosition(size));
        read(packet);
    }

    private static bool TryRead(PacketReader read, ReadOnlySpan<byte> packet)
    {
        try
        {
            read(packet);
            return true;
        }
        catch (RlpxException)
        {
            return false;
        }
    }

    private static EndOfStreamException Closed(ReadResult result) =>
        new(result.Buffer.IsEmpty ? "The peer closed the connection." : "The peer closed the connection in the middle of a message.");
}
