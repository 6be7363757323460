using System.Buffers.Binary;
using System.Runtime.InteropServices;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node.Storage.KeyValue;

/// <summary>
/// A batch in RocksDB's own byte form (db/write_batch.cc): a header, and records as <see cref="KeyValueBatch.CopyRecords"/> gives
/// them. One native call instead of one per key.
/// </summary>
internal static unsafe class RocksBatch
{
    private const int HeaderSize = 12; // sequence number, set by the database; count

    /// <returns>To be destroyed by the caller.</returns>
    public static nint Create(KeyValueBatch batch)
    {
        var size = HeaderSize + batch.ByteSize;
        // Not from the shared pool: it would keep a buffer of the largest size, 16 MB and more, for every thread that once stored
        // trie nodes.
        var start = (byte*)NativeMemory.Alloc((nuint)size);
        try
        {
            var bytes = new Span<byte>(start, size);
            bytes[..HeaderSize].Clear();
            BinaryPrimitives.WriteInt32LittleEndian(bytes[8..], batch.Count);
            batch.CopyRecords(bytes[HeaderSize..]);
            return RocksNative.BatchCreateFrom(start, (nuint)size);
        }
        finally
        {
            NativeMemory.Free(start);
        }
    }
}
