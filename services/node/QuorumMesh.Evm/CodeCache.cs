using QuorumMesh.Primitives;

namespace QuorumMesh.Evm;

/// <summary>
/// Analysed code by hash, in two generations: when the young one is full it becomes the old one and what was not asked for since goes.
/// Holds at most twice the given bytes. Thread safe.
/// </summary>
internal sealed class CodeCache(int bytesPerGeneration)
{
    private readonly Lock _gate = new();
    private Dictionary<Hash256, Code> _young = [];
    private Dictionary<Hash256, Code> _old = [];
    private long _youngBytes;

    public static CodeCache Shared { get; } = new(32 << 20);

    public Code? Find(in Hash256 hash)
    {
        lock (_gate)
        {
            if (_young.TryGetValue(hash, out Code? code)) return code;
            if (_old.TryGetValue(hash, out code)) Insert(hash, code);
            return code;
        }
    }

    public void Add(in Hash256 hash, Code code)
    {
        lock (_gate) Insert(hash, code);
    }

    /// <summary>Code in the cache has got a compiled body of so many bytes.</summary>
    public void Grow(int bytes)
    {
        lock (_gate) _youngBytes += bytes;
    }

    private void Insert(in Hash256 hash, Code code)
    {
        if (_youngBytes > bytesPerGeneration)
        {
            _old = _young;
            _young = [];
            _youngBytes = 0;
        }

        if (_young.TryAdd(hash, code)) _youngBytes += code.SizeInMemory;
    }
}
