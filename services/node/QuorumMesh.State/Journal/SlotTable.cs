using QuorumMesh.Primitives;

namespace QuorumMesh.State.Journal;

/// <summary>
/// The slots of one account that this state has seen, numbered in the order they came. Nothing is ever removed or moved once the
/// first chunk is full: a large table grows by chunks, without copies and without large arrays.
/// </summary>
internal sealed class SlotTable
{
    private const int FirstCapacity = 8;
    private const int ChunkBits = 8;
    private const int ChunkSize = 1 << ChunkBits;

    private SlotEntry[][] _chunks = [new SlotEntry[FirstCapacity]];

    // Open addressing at half load at most; index + 1, so that zero is free.
    private int[] _buckets = new int[FirstCapacity * 2];
    private int _last;

    public int Count { get; private set; }

    /// <summary>Good until the next <see cref="FindOrAdd"/>.</summary>
    public ref SlotEntry this[int index] => ref _chunks[index >> ChunkBits][index & ChunkSize - 1];

    public int FindOrAdd(in UInt256 slot)
    {
        // An SSTORE asks four times for the same slot.
        if (_last < Count && this[_last].Slot == slot) return _last;
        int bucket = Probe(slot);
        return _last = _buckets[bucket] == 0 ? Add(slot, bucket) : _buckets[bucket] - 1;
    }

    /// <summary>-1 when it has not been seen.</summary>
    public int Find(in UInt256 slot) => _buckets[Probe(slot)] - 1;

    /// <summary>The bucket that holds the slot, or the free one where it belongs.</summary>
    private int Probe(in UInt256 slot)
    {
        int mask = _buckets.Length - 1;
        int bucket = slot.GetHashCode() & mask;
        while (_buckets[bucket] != 0 && this[_buckets[bucket] - 1].Slot != slot) bucket = bucket + 1 & mask;
        return bucket;
    }

    private int Add(in UInt256 slot, int bucket)
    {
        if (Count * 2 == _buckets.Length)
        {
            Rehash();
            bucket = Probe(slot);
        }

        MakeRoom();
        _buckets[bucket] = Count + 1;
        this[Count].Slot = slot;
        return Count++;
    }

    private void MakeRoom()
    {
        if (Count < ChunkSize)
        {
            if (Count == _chunks[0].Length) Array.Resize(ref _chunks[0], Count * 2);
            return;
        }

        int chunk = Count >> ChunkBits;
        if (chunk == _chunks.Length) Array.Resize(ref _chunks, chunk * 2);
        _chunks[chunk] ??= new SlotEntry[ChunkSize];
    }

    private void Rehash()
    {
        _buckets = new int[_buckets.Length * 2];
        int mask = _buckets.Length - 1;
        for (int i = 0; i < Count; i++)
        {
            int bucket = this[i].Slot.GetHashCode() & mask;
            while (_buckets[bucket] != 0) bucket = bucket + 1 & mask;
            _buckets[bucket] = i + 1;
        }
    }
}
