using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace QuorumMesh.State;

/// <summary>
/// A cache bounded by weight that drops what was not used for a while: entries live in a young generation, and when that holds half
/// of the limit it becomes the old one and the former old one goes. A hit in the old generation moves the entry to the young.
/// </summary>
internal sealed class TwoGenerationCache<TKey, TValue>(long limit)
    where TKey : notnull
{
    private Dictionary<TKey, (TValue Value, int Weight)> _young = [];
    private Dictionary<TKey, (TValue Value, int Weight)> _old = [];
    private long _youngWeight;

    public int Count => _young.Count + _old.Count;

    public bool TryGet(in TKey key, [MaybeNullWhen(false)] out TValue value)
    {
        if (_young.TryGetValue(key, out var entry))
        {
            value = entry.Value;
            return true;
        }

        if (_old.Remove(key, out entry))
        {
            value = entry.Value;
            Set(key, entry.Value, entry.Weight);
            return true;
        }

        value = default;
        return false;
    }

    public void Set(in TKey key, TValue value, int weight)
    {
        ref var entry = ref CollectionsMarshal.GetValueRefOrAddDefault(_young, key, out var present);
        _youngWeight += weight - (present ? entry.Weight : 0);
        entry = (value, weight);
        if (!present) _old.Remove(key);
        if (_youngWeight * 2 <= limit) return;
        (_old, _young) = (_young, _old);
        _young.Clear();
        _youngWeight = 0;
    }

    public void Remove(in TKey key)
    {
        _old.Remove(key);
        if (_young.Remove(key, out var entry)) _youngWeight -= entry.Weight;
    }

    public void Clear()
    {
        _young.Clear();
        _old.Clear();
        _youngWeight = 0;
    }
}
