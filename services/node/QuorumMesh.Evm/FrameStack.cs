namespace QuorumMesh.Evm;

/// <summary>
/// The explicit call stack. Stacks are pooled (a bounded number), and only the shallow frames of a returned one are kept.
/// </summary>
internal sealed class FrameStack
{
    private const int KeptFrames = 64;
    private static readonly FrameStack?[] _pool = new FrameStack?[8];

    private readonly Frame?[] _frames = new Frame?[EvmLimits.CallDepth + 1];
    private int _used;

    public Frame this[int depth]
    {
        get
        {
            if (depth >= _used) _used = depth + 1;
            return _frames[depth] ??= new Frame();
        }
    }

    public static FrameStack Rent()
    {
        for (int i = 0; i < _pool.Length; i++)
            if (Interlocked.Exchange(ref _pool[i], null) is { } stack)
                return stack;
        return new FrameStack();
    }

    public void Return()
    {
        for (int i = 0; i < _used; i++)
        {
            if (i >= KeptFrames) _frames[i] = null;
            else _frames[i]!.Release();
        }

        _used = 0;
        for (int i = 0; i < _pool.Length; i++)
            if (Interlocked.CompareExchange(ref _pool[i], this, null) is null)
                return;
    }
}
