using System.Buffers;
using System.Buffers.Binary;
using QuorumMesh.State;

namespace QuorumMesh.Node.Storage;

/// <summary>
/// A batch in RocksDB's own byte form (db/write_batch.cc): a header, and records as <see cref="KeyValueBatch.CopyRecords"/> gives them. One native call instead of
/// one per key.
/// </summary>
internal static unsafe class RocksBatch
{
    private const int HeaderSize = 12; // sequence number, set by the database; count

    /// <returns>To be destroyed by the caller.</returns>
    public static nint Create(KeyValueBatch batch)
    {
        var size = HeaderSize + batch.ByteSize;
        var bytes = ArrayPool<byte>.Shared.Rent(size);
        bytes.AsSpan(0, HeaderSize).Clear();
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), batch.Count);
        batch.CopyRecords(bytes.AsSpan(HeaderSize));
        nint native;
        fixed (byte* start = bytes)
            native = RocksNative.BatchCreateFrom(start, (nuint)size);
        ArrayPool<byte>.Shared.Return(bytes);
        return native;
    }
}
