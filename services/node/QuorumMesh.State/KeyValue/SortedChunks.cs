using System.Diagnostics.CodeAnalysis;

namespace QuorumMesh.State.KeyValue;

/// <summary>
/// Ordered map as a list of small sorted arrays, copied on write: freezing copies only the list of chunks, and a chunk that a
/// frozen copy can see is cloned before it changes.
/// </summary>
internal sealed class SortedChunks
{
    private const int MaxEntries = 128;
    private readonly List<Chunk> _chunks;
    private object _owner = new();

    public SortedChunks() => _chunks = [];

    private SortedChunks(List<Chunk> chunks) => _chunks = chunks;

    public SortedChunks Freeze()
    {
        _owner = new object(); // every present chunk now belongs to the frozen copies
        return new SortedChunks([.. _chunks]);
    }

    public bool TryGet(ReadOnlySpan<byte> key, [NotNullWhen(true)] out byte[]? value)
    {
        var at = FindChunk(key);
        if (at >= 0)
        {
            var index = _chunks[at].Find(key);
            if (index >= 0)
            {
                value = _chunks[at].Values[index];
                return true;
            }
        }

        value = null;
        return false;
    }

    public void Set(byte[] key, byte[] value)
    {
        if (_chunks.Count == 0) _chunks.Add(new Chunk(_owner));
        var at = Math.Max(0, FindChunk(key));
        var chunk = Writable(at);
        var index = chunk.Find(key);
        if (index >= 0)
        {
            chunk.Values[index] = value;
            return;
        }

        if (chunk.Count == MaxEntries)
        {
            var upper = chunk.SplitUpperHalf(_owner);
            _chunks.Insert(at + 1, upper);
            if (key.AsSpan().SequenceCompareTo(upper.Keys[0]) >= 0) chunk = upper;
            index = chunk.Find(key);
        }

        chunk.Insert(~index, key, value);
    }

    public void Remove(ReadOnlySpan<byte> key)
    {
        var at = FindChunk(key);
        if (at < 0 || _chunks[at].Find(key) < 0) return;
        var chunk = Writable(at);
        chunk.RemoveAt(chunk.Find(key));
        if (chunk.Count == 0) _chunks.RemoveAt(at);
    }

    /// <summary>Call on a frozen copy only: the sequence is lazy.</summary>
    public IEnumerable<KeyValuePair<byte[], byte[]>> Scan(byte[] prefix, byte[]? from)
    {
        var start = from is not null && from.AsSpan().SequenceCompareTo(prefix) > 0 ? from : prefix;
        var at = Math.Max(0, FindChunk(start));
        for (; at < _chunks.Count; at++)
        {
            var chunk = _chunks[at];
            var index = chunk.Find(start);
            for (index = index < 0 ? ~index : index; index < chunk.Count; index++)
            {
                var key = chunk.Keys[index];
                if (!key.AsSpan().StartsWith(prefix)) yield break;
                yield return new KeyValuePair<byte[], byte[]>(key, chunk.Values[index]);
            }
        }
    }

    private Chunk Writable(int at)
    {
        var chunk = _chunks[at];
        if (ReferenceEquals(chunk.Owner, _owner)) return chunk;
        return _chunks[at] = chunk.CloneFor(_owner);
    }

    /// <summary>The last chunk whose first key is not above the key; -1 when there is none.</summary>
    private int FindChunk(ReadOnlySpan<byte> key)
    {
        int low = 0, high = _chunks.Count - 1;
        while (low <= high)
        {
            var middle = (low + high) >>> 1;
            if (key.SequenceCompareTo(_chunks[middle].Keys[0]) >= 0) low = middle + 1;
            else high = middle - 1;
        }

        return high;
    }

    private sealed class Chunk(object owner)
    {
        public readonly object Owner = owner;
        public readonly byte[][] Keys = new byte[MaxEntries][];
        public readonly byte[][] Values = new byte[MaxEntries][];

        public int Count { get; private set; }

        public int Find(ReadOnlySpan<byte> key)
        {
            int low = 0, high = Count - 1;
            while (low <= high)
            {
                var middle = (low + high) >>> 1;
                var order = key.SequenceCompareTo(Keys[middle]);
                if (order == 0) return middle;
                if (order > 0) low = middle + 1;
                else high = middle - 1;
            }

            return ~low;
        }

        public void Insert(int index, byte[] key, byte[] value)
        {
            Array.Copy(Keys, index, Keys, index + 1, Count - index);
            Array.Copy(Values, index, Values, index + 1, Count - index);
            Keys[index] = key;
            Values[index] = value;
            Count++;
        }

        public void RemoveAt(int index)
        {
            Count--;
            Array.Copy(Keys, index + 1, Keys, index, Count - index);
            Array.Copy(Values, index + 1, Values, index, Count - index);
            Keys[Count] = null!;
            Values[Count] = null!;
        }

        public Chunk CloneFor(object newOwner) => CopyTo(new Chunk(newOwner), 0, Count);

        public Chunk SplitUpperHalf(object newOwner)
        {
            var half = Count / 2;
            var upper = CopyTo(new Chunk(newOwner), half, Count - half);
            Array.Clear(Keys, half, Count - half);
            Array.Clear(Values, half, Count - half);
            Count = half;
            return upper;
        }

        private Chunk CopyTo(Chunk target, int start, int count)
        {
            Array.Copy(Keys, start, target.Keys, 0, count);
            Array.Copy(Values, start, target.Values, 0, count);
            target.Count = count;
            return target;
        }
    }
}
