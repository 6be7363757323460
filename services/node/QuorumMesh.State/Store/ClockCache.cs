using System.Numerics;

namespace QuorumMesh.State.Store;

/// <summary>A cache of so many entries that lets go of a random one that was not used since it was passed over last: unlike the
/// oldest, that is not always the very one
/// needed next when more keys than fit are used in turn. Grows with what it holds; without references in its entries the
/// collector need not look at them.</summary>
/// <param name="limit">In entries, at least 1.</param>
internal sealed class ClockCache<TKey, TValue>(int limit)
    where TKey : struct, IEquatable<TKey>
    where TValue : struct
{
    private const int None = -1;
    private Entry[] _entries = [];
    private int[] _buckets = []; // each the first entry of its chain
    private uint _random = 1;

    public int Count { get; private set; }

    public bool TryGet(in TKey key, out TValue value)
    {
        var at = Find(key);
        if (at == None)
        {
            value = default;
            return false;
        }

        ref var entry = ref _entries[at];
        entry.IsUsed = true;
        value = entry.Value;
        return true;
    }

    public void Set(in TKey key, in TValue value)
    {
        if (TryUpdate(key, value)) return;
        var at = Count < limit ? Add() : Evict();
        ref var bucket = ref Bucket(key);
        _entries[at] = new Entry { Key = key, Value = value, Next = bucket };
        bucket = at;
    }

    /// <returns>False when the key is not here; it stays so.</returns>
    public bool TryUpdate(in TKey key, in TValue value)
    {
        var at = Find(key);
        if (at == None) return false;
        ref var entry = ref _entries[at];
        entry.Value = value;
        entry.IsUsed = true;
        return true;
    }

    private int Find(in TKey key)
    {
        if (Count == 0) return None;
        var at = Bucket(key);
        while (at != None && !_entries[at].Key.Equals(key)) at = _entries[at].Next;
        return at;
    }

    private ref int Bucket(in TKey key) => ref _buckets[key.GetHashCode() & (_buckets.Length - 1)];

    private int Add()
    {
        if (Count == _entries.Length) Grow();
        return Count++;
    }

    private void Grow()
    {
        Array.Resize(ref _entries, (int)Math.Min(limit, Math.Max(64, 2L * Count)));
        _buckets = new int[BitOperations.RoundUpToPowerOf2((uint)_entries.Length)];
        Array.Fill(_buckets, None);
        for (var i = 0; i < Count; i++)
        {
            ref var bucket = ref Bucket(_entries[i].Key);
            _entries[i].Next = bucket;
            bucket = i;
        }
    }

    /// <returns>The place of the entry that went.</returns>
    private int Evict()
    {
        _random = _random * 1664525 + 1013904223; // Numerical Recipes; only the spread matters
        var gone = (int)((ulong)_random * (ulong)Count >> 32);
        for (; _entries[gone].IsUsed; gone = (gone + 1) % Count)
            _entries[gone].IsUsed = false;
        ref var link = ref Bucket(_entries[gone].Key);
        while (link != gone) link = ref _entries[link].Next;
        link = _entries[gone].Next;
        return gone;
    }

    private struct Entry
    {
        public TKey Key;
        public TValue Value;
        public int Next;
        public bool IsUsed;
    }
}
