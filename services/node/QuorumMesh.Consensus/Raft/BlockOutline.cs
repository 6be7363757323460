using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Raft;

/// <summary>
/// A log entry's block seen as its transactions, at the member that sends it: of it a <see cref="CompactBlock"/> is made for each
/// member that holds some of them. What is in the transactions is not looked at. Immutable.
/// </summary>
public sealed class BlockOutline
{
    private readonly byte[] _data;
    private readonly Range _header;
    private readonly (Hash256 Hash, Range Item)[] _items;
    private readonly Hash256 _digest;

    private BlockOutline(byte[] data, Range header, (Hash256 Hash, Range Item)[] items)
    {
        (_data, _header, _items) = (data, header, items);
        if (items.Length > 0) _digest = Keccak.Hash(data);
    }

    /// <summary>How many transactions it has; 0 for an entry that is no block, or one with anything beside header and
    /// transactions: such an entry has no compact form.</summary>
    public int Count => _items.Length;

    /// <summary>Of the transactions, in the block's order.</summary>
    public IReadOnlyList<Hash256> Hashes => Array.ConvertAll(_items, static item => item.Hash);

    /// <param name="data">Of an entry; not to be changed afterwards.</param>
    public static BlockOutline Of(byte[] data)
    {
        try
        {
            return Read(data);
        }
        catch (RlpException)
        {
            return None(data);
        }
    }

    /// <summary>The form for one member.</summary>
    /// <param name="isHeld">Whether the member has a transaction, by its hash.</param>
    /// <param name="named">How many transactions go by their hash.</param>
    /// <returns>Null when it would be no shorter than the entry's data.</returns>
    public byte[]? Compact(Predicate<Hash256> isHeld, out int named)
    {
        named = 0;
        if (_items.Length == 0) return null;
        var isNamed = Array.ConvertAll(_items, item => isHeld(item.Hash));
        named = isNamed.Count(static held => held);
        if (named == 0) return null;
        var form = Write(isNamed);
        return form.Length < _data.Length ? form : null;
    }

    private byte[] Write(bool[] isNamed)
    {
        var writer = new RlpWriter(_data.Length);
        var form = writer.BeginList();
        writer.Write(_digest);
        writer.WriteRaw(_data.AsSpan(_header));
        var items = writer.BeginList();
        for (var i = 0; i < _items.Length; i++)
        {
            if (isNamed[i]) writer.Write(_items[i].Hash);
            else writer.WriteRaw(_data.AsSpan(_items[i].Item));
        }
        writer.EndList(items);
        writer.EndList(form);
        return writer.ToArray();
    }

    private static BlockOutline Read(byte[] data)
    {
        var reader = new RlpReader(data);
        var block = reader.ReadList();
        reader.ExpectEnd();
        var start = block.Position;
        if (!block.IsList) return None(data);
        block.Skip();
        var header = start..block.Position;
        var items = new List<(Hash256, Range)>();
        for (var list = block.ReadList(); !list.End;)
        {
            var (isList, from) = (list.IsList, list.Position);
            var item = list.ReadRaw();
            var transaction = isList ? item : ContentOf(item);
            // In the compact form it would be read as a hash. No transaction is that short.
            if (!isList && transaction.Length == Hash256.Size) return None(data);
            items.Add((Keccak.Hash(transaction), from..list.Position));
        }
        var uncles = block.ReadList();
        return uncles.End && block.End ? new BlockOutline(data, header, [.. items]) : None(data);
    }

    private static ReadOnlySpan<byte> ContentOf(ReadOnlySpan<byte> item) => new RlpReader(item).ReadBytes();

    private static BlockOutline None(byte[] data) => new(data, default, []);
}
