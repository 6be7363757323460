using QuorumMesh.Primitives;

namespace QuorumMesh.State;

/// <summary>The slots of one account that this state has seen, dense and numbered in the order they came. Nothing is ever removed.</summary>
internal sealed class SlotTable
{
    private const int FirstCapacity = 8;

    private SlotEntry[] _entries = new SlotEntry[FirstCapacity];

    // Open addressing at half load at most; index + 1, so that zero is free.
    private int[] _buckets = new int[FirstCapacity * 2];
    private int _last;

    public int Count { get; private set; }

    /// <summary>Good until the next <see cref="FindOrAdd"/>.</summary>
    public ref SlotEntry this[int index] => ref _entries[index];

    public ReadOnlySpan<SlotEntry> Entries => _entries.AsSpan(0, Count);

    public int FindOrAdd(in UInt256 slot)
    {
        // An SSTORE asks four times for the same slot.
        if (_last < Count && _entries[_last].Slot == slot) return _last;
        int[] buckets = _buckets;
        int mask = buckets.Length - 1;
        int bucket = slot.GetHashCode() & mask;
        while (buckets[bucket] != 0)
        {
            int index = buckets[bucket] - 1;
            if (_entries[index].Slot == slot) return _last = index;
            bucket = bucket + 1 & mask;
        }

        return _last = Add(slot, bucket);
    }

    /// <summary>-1 when it has not been seen.</summary>
    public int Find(in UInt256 slot)
    {
        int mask = _buckets.Length - 1;
        for (int bucket = slot.GetHashCode() & mask; _buckets[bucket] != 0; bucket = bucket + 1 & mask)
            if (_entries[_buckets[bucket] - 1].Slot == slot)
                return _buckets[bucket] - 1;
        return -1;
    }

    private int Add(in UInt256 slot, int bucket)
    {
        if (Count == _entries.Length)
        {
            Grow();
            bucket = FreeBucket(slot);
        }

        _buckets[bucket] = Count + 1;
        _entries[Count].Slot = slot;
        return Count++;
    }

    private void Grow()
    {
        Array.Resize(ref _entries, _entries.Length * 2);
        _buckets = new int[_buckets.Length * 2];
        for (int i = 0; i < Count; i++) _buckets[FreeBucket(_entries[i].Slot)] = i + 1;
    }

    private int FreeBucket(in UInt256 slot)
    {
        int mask = _buckets.Length - 1;
        int bucket = slot.GetHashCode() & mask;
        while (_buckets[bucket] != 0) bucket = bucket + 1 & mask;
        return bucket;
    }
}
