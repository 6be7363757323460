using QuorumMesh.Contracts;

namespace QuorumMesh.Enclave.Core;

/// <summary>
/// Shared keys of (own key, peer) pairs in one block of locked memory, the least recently used one overwritten first.
/// A key is copied out under the lock, so that an overwritten slot can never be in use. Safe for concurrent use.
/// </summary>
public sealed class SharedKeyCache : IDisposable
{
    private readonly record struct Pair(PublicKey Own, PublicKey Peer);

    private readonly Lock _lock = new();
    private readonly SecretBuffer _slots;
    private readonly int _capacity;
    private readonly Dictionary<Pair, LinkedListNode<(Pair Pair, int Slot)>> _index;
    private readonly LinkedList<(Pair Pair, int Slot)> _recent = new();
    private int _generation;
    private long _hits;
    private long _misses;

    /// <summary>Room for so many shared keys of 32 bytes, locked from the start.</summary>
    public SharedKeyCache(int capacity)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacity, 1);
        _capacity = capacity;
        _slots = new SecretBuffer(capacity * NaClBox.KeySize);
        _index = new Dictionary<Pair, LinkedListNode<(Pair, int)>>(Math.Min(capacity, 64));
    }

    /// <summary>Look-ups that found their key.</summary>
    public long Hits => Interlocked.Read(ref _hits);

    /// <summary>Look-ups that computed it.</summary>
    public long Misses => Interlocked.Read(ref _misses);

    /// <summary>Shared keys held now.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _recent.Count;
        }
    }

    /// <summary>Writes the shared key to <paramref name="shared"/>; the caller zeroes it.</summary>
    /// <exception cref="InvalidCipherException">The peer's key is of low order.</exception>
    public void Get(EnclaveKeyPair own, PublicKey peer, Span<byte> shared)
    {
        ArgumentNullException.ThrowIfNull(own);
        var pair = new Pair(own.PublicKey, peer);
        int generation;
        lock (_lock)
        {
            generation = _generation;
            if (_index.TryGetValue(pair, out var node))
            {
                _recent.Remove(node);
                _recent.AddFirst(node);
                SlotSpan(node.Value.Slot).CopyTo(shared);
                Interlocked.Increment(ref _hits);
                return;
            }
        }

        Interlocked.Increment(ref _misses);
        // Outside the lock: the curve's multiplication is what takes time, and two calls that compute the same key do no harm.
        if (!NaClBox.TrySharedKey(peer, own.PrivateKey.Span, shared))
            throw new InvalidCipherException($"{peer} is not a usable public key");
        // The span reaches into memory outside the heap, which the pair's owner may free.
        GC.KeepAlive(own);
        lock (_lock)
            // Cleared meanwhile: the key may be one that is gone.
            if (generation == _generation)
                Remember(pair, shared);
    }

    /// <summary>Forgets everything, as when keys change.</summary>
    public void Clear()
    {
        lock (_lock)
        {
            _generation++;
            _index.Clear();
            _recent.Clear();
            // The index alone would leave the secrets in memory until their slots are written over.
            _slots.Span.Clear();
        }
    }

    public void Dispose() => _slots.Dispose();

    private void Remember(in Pair pair, ReadOnlySpan<byte> shared)
    {
        // Another call may have computed the same key meanwhile.
        if (_index.ContainsKey(pair))
            return;
        var slot = _recent.Count;
        if (slot == _capacity)
        {
            var oldest = _recent.Last!;
            slot = oldest.Value.Slot;
            _recent.RemoveLast();
            _index.Remove(oldest.Value.Pair);
        }

        shared.CopyTo(SlotSpan(slot));
        _index.Add(pair, _recent.AddFirst((pair, slot)));
    }

    private Span<byte> SlotSpan(int slot) => _slots.Span.Slice(slot * NaClBox.KeySize, NaClBox.KeySize);
}
