using QuorumMesh.Chain.Payloads;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// Answers of the manager that were fetched ahead of the private head. Bounded by bytes: what was run goes first, then the
/// oldest, then what the private head needs latest; all are simply asked for again. What it needs first is always kept. Only
/// settled answers (here, not a party) are kept. Owned by the writer loop.
/// </summary>
public sealed class PayloadCache(long capacityBytes = PayloadCache.DefaultCapacity)
{
    /// <summary>In bytes.</summary>
    public const long DefaultCapacity = 64L << 20;

    /// <summary>What an entry costs beside its payload: key, links and record.</summary>
    private const int EntryOverhead = 256;

    /// <summary>What a key costs beside its bytes.</summary>
    private const int KeyOverhead = 32;

    private readonly Dictionary<PayloadHash, LinkedListNode<PayloadAnswer>> _byHash = [];
    private readonly LinkedList<PayloadAnswer> _byAge = [];

    /// <summary>What the private head needs next, with its place.</summary>
    private readonly Dictionary<PayloadHash, int> _window = [];
    private IReadOnlyList<PayloadHash> _inOrder = [];

    /// <summary>Payloads held.</summary>
    public int Count => _byHash.Count;

    /// <summary>Bytes held.</summary>
    public long Bytes { get; private set; }

    /// <summary>Bytes that may be held; one payload may be larger by itself.</summary>
    public long Capacity => capacityBytes;

    /// <summary>Null when it is not held.</summary>
    public PayloadAnswer? Find(in PayloadHash hash) => _byHash.TryGetValue(hash, out var node) ? node.Value : null;

    /// <summary>What an answer counts, in bytes.</summary>
    public static long Cost(PayloadAnswer answer) => EntryOverhead + (answer.Payload?.Length ?? 0) + answer.ExecutionHash.Length
        + ((long)PayloadHash.Size * answer.AffectedTransactions.Count) + (answer.SenderKey?.Length ?? 0)
        + answer.ManagedParties.Sum(static key => (long)key.Length + KeyOverhead);

    public void Add(PayloadAnswer answer)
    {
        if (!answer.IsSettled) return;
        Remove(answer.Hash);
        _byHash[answer.Hash] = _byAge.AddLast(answer);
        Bytes += Cost(answer);
        while (Bytes > capacityBytes && _byAge.Count > 1) Remove(Victim());
    }

    public void Remove(in PayloadHash hash)
    {
        if (!_byHash.Remove(hash, out var node)) return;
        _byAge.Remove(node);
        Bytes -= Cost(node.Value);
    }

    /// <summary>It was run: kept while there is room, for it may be wanted again.</summary>
    public void Used(in PayloadHash hash)
    {
        if (!_byHash.TryGetValue(hash, out var node)) return;
        _byAge.Remove(node);
        _byAge.AddFirst(node);
        _window.Remove(hash);
    }

    /// <summary>
    /// What the private head needs next, in the order of use: it stays while anything else can go, the first of it in any case.
    /// </summary>
    public void Keep(IReadOnlyList<PayloadHash> window)
    {
        _inOrder = window;
        _window.Clear();
        for (var i = 0; i < window.Count; i++) _window.TryAdd(window[i], i);
    }

    public void Clear()
    {
        _byHash.Clear();
        _byAge.Clear();
        Bytes = 0;
    }

    private PayloadHash Victim()
    {
        for (var node = _byAge.First; node is not null; node = node.Next)
            if (!_window.ContainsKey(node.Value.Hash)) return node.Value.Hash;
        for (var i = _inOrder.Count - 1; i > 0; i--)
            if (_byHash.ContainsKey(_inOrder[i]) && _window.GetValueOrDefault(_inOrder[i]) == i) return _inOrder[i];
        return _byAge.First!.Value.Hash;
    }
}
