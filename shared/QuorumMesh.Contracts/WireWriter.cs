using System.Buffers;
using System.Buffers.Binary;
using System.Text;

namespace QuorumMesh.Contracts;

/// <summary>Writes Tessera's binary form, see <see cref="WireReader"/>.</summary>
internal sealed class WireWriter(int sizeHint = 256)
{
    private readonly ArrayBufferWriter<byte> buffer = new(sizeHint);

    public void Length(int value)
    {
        BinaryPrimitives.WriteInt64BigEndian(buffer.GetSpan(8), value);
        buffer.Advance(8);
    }

    public void Field(ReadOnlySpan<byte> bytes)
    {
        Length(bytes.Length);
        buffer.Write(bytes);
    }

    public void Text(string text) => Field(Encoding.UTF8.GetBytes(text));

    public void Keys(IReadOnlyList<PublicKey> keys)
    {
        Length(keys.Count);
        foreach (PublicKey key in keys)
        {
            Field(key.Span);
        }
    }

    /// <summary>What was written; to be used as long as nothing more is.</summary>
    public ReadOnlyMemory<byte> Written => buffer.WrittenMemory;

    public byte[] ToArray() => buffer.WrittenSpan.ToArray();
}
