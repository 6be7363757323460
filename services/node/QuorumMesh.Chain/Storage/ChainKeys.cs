using System.Buffers.Binary;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Chain.Storage;

/// <summary>Keys of the chain's records: 'c', a letter, then the identity; numbers are big-endian so that scans ascend.</summary>
internal static class ChainKeys
{
    private const byte Space = KeySpaces.Chain;

    /// <summary>The prefix of every record of the chain.</summary>
    public static byte[] All => [Space];

    public static byte[] Header(in Hash256 hash) => Of('h', hash);

    public static byte[] Body(in Hash256 hash) => Of('b', hash);

    public static byte[] Receipts(in Hash256 hash) => Of('r', hash);

    public static byte[] PrivateReceipts(string stateId, in Hash256 hash)
    {
        var id = System.Text.Encoding.UTF8.GetBytes(stateId);
        var key = new byte[3 + id.Length + Hash256.Size];
        key[0] = Space;
        key[1] = (byte)'q';
        key[2] = checked((byte)id.Length);
        id.CopyTo(key, 3);
        hash.CopyTo(key.AsSpan(3 + id.Length));
        return key;
    }

    public static byte[] Canonical(ulong number) => OfNumber('n', number, 0);

    public static byte[] TransactionLookup(in Hash256 hash) => Of('t', hash);

    public static byte[] IstanbulCheckpoint(in Hash256 hash) => Of('i', hash);

    public static byte[] NamedValidators(in Hash256 hash) => Of('v', hash);

    public static byte[] Payload(in PayloadHash hash)
    {
        var key = new byte[2 + PayloadHash.Size];
        key[0] = Space;
        key[1] = (byte)'p';
        hash.CopyTo(key.AsSpan(2));
        return key;
    }

    // Block and place in the key: one payload may be named by several transactions, and a scan gives them in chain order.
    public static byte[] PayloadUse(in PayloadHash hash, ulong number, uint index)
    {
        var prefix = Payload(hash);
        var key = new byte[prefix.Length + 12];
        prefix.CopyTo(key, 0);
        BinaryPrimitives.WriteUInt64BigEndian(key.AsSpan(prefix.Length), number);
        BinaryPrimitives.WriteUInt32BigEndian(key.AsSpan(prefix.Length + 8), index);
        return key;
    }

    public static byte[] Meta(string name)
    {
        var text = System.Text.Encoding.UTF8.GetBytes(name);
        return [Space, (byte)'m', .. text];
    }

    private static byte[] Of(char kind, in Hash256 hash)
    {
        var key = new byte[2 + Hash256.Size];
        key[0] = Space;
        key[1] = (byte)kind;
        hash.CopyTo(key.AsSpan(2));
        return key;
    }

    private static byte[] OfNumber(char kind, ulong number, int tail)
    {
        var key = new byte[10 + tail];
        key[0] = Space;
        key[1] = (byte)kind;
        BinaryPrimitives.WriteUInt64BigEndian(key.AsSpan(2), number);
        return key;
    }
}
