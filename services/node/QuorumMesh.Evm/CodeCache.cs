using QuorumMesh.Evm.Compiler;
using QuorumMesh.Primitives;

namespace QuorumMesh.Evm;

/// <summary>
/// Analysed and compiled code by hash, shared by the machines of one chain. In two generations: when the young one is full it
/// becomes the old one and what was not asked for since goes. Thread safe.
/// </summary>
/// <param name="bytesPerGeneration">The cache holds at most twice as much.</param>
public sealed class CodeCache(int bytesPerGeneration = 32 << 20)
{
    private readonly Lock _gate = new();
    private Dictionary<Hash256, Code> _young = [];
    private Dictionary<Hash256, Code> _old = [];
    private long _youngBytes;

    /// <summary>
    /// Takes code that has become hot, on the thread that runs it: it must return at once, and declines what it has no room for
    /// (<see cref="HotCode.Decline"/>). Null leaves everything interpreted.
    /// </summary>
    public Action<HotCode>? Hot { get; set; }

    internal Code? Find(in Hash256 hash)
    {
        lock (_gate)
        {
            if (_young.TryGetValue(hash, out Code? code)) return code;
            if (_old.TryGetValue(hash, out code)) Insert(hash, code);
            return code;
        }
    }

    internal void Add(in Hash256 hash, Code code)
    {
        lock (_gate) Insert(hash, code);
    }

    /// <summary>Code in the cache has got a compiled body of so many bytes.</summary>
    internal void Grow(int bytes)
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
