using System.Buffers.Binary;
using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Node.Network.RaftHttp;

/// <summary>Reads big-endian lengths and bodies from a stream. Memory grows with what arrives, not with what is announced.</summary>
internal sealed class RaftFrameReader(Stream stream, int maxSize)
{
    private const int Step = 1 << 20;
    private readonly BufferedStream _stream = new(stream, 64 * 1024);
    private readonly byte[] _word = new byte[8];

    public async ValueTask<byte> ByteAsync(CancellationToken cancel)
    {
        await _stream.ReadExactlyAsync(_word.AsMemory(0, 1), cancel).ConfigureAwait(false);
        return _word[0];
    }

    public async ValueTask<ulong> UInt64Async(CancellationToken cancel)
    {
        await _stream.ReadExactlyAsync(_word.AsMemory(0, 8), cancel).ConfigureAwait(false);
        return BinaryPrimitives.ReadUInt64BigEndian(_word);
    }

    /// <summary>A body after its length.</summary>
    public async ValueTask<byte[]> BodyAsync(CancellationToken cancel)
    {
        var length = await UInt64Async(cancel).ConfigureAwait(false);
        if (length > (ulong)maxSize) throw new RaftFormatException($"raft frame of {length} bytes; at most {maxSize}");
        return await BytesAsync((int)length, cancel).ConfigureAwait(false);
    }

    /// <summary>So many bytes.</summary>
    public async ValueTask<byte[]> BytesAsync(int length, CancellationToken cancel)
    {
        var body = new byte[Math.Min(length, Step)];
        for (var read = 0; read < length;)
        {
            if (read == body.Length) Array.Resize(ref body, (int)Math.Min(length, body.Length * 2L));
            await _stream.ReadExactlyAsync(body.AsMemory(read), cancel).ConfigureAwait(false);
            read = body.Length;
        }
        return body;
    }
}
