using System.Buffers.Binary;
using QuorumMesh.State;

namespace QuorumMesh.Node.Storage;

/// <summary>A batch in RocksDB's own byte form (db/write_batch.cc), whose records are those of <see cref="KeyValueBatch.Records"/>: one native call instead of one per key.</summary>
internal static class RocksBatch
{
    private const int HeaderSize = 12; // sequence number, set by the database; count

    public static byte[] Encode(KeyValueBatch batch)
    {
        var bytes = GC.AllocateUninitializedArray<byte>(HeaderSize + batch.ByteSize);
        bytes.AsSpan(0, HeaderSize).Clear();
        BinaryPrimitives.WriteInt32LittleEndian(bytes.AsSpan(8), batch.Count);
        batch.Records.CopyTo(bytes.AsSpan(HeaderSize));
        return bytes;
    }
}
