using System.Diagnostics;
using System.Threading.Channels;
using QuorumMesh.Evm;
using QuorumMesh.Evm.Compiler;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// Compiles hot contracts beside the chain's thread, one at a time. Code that finds no room in the queue stays interpreted until
/// it has become hot once more.
/// </summary>
public sealed class CompilationWorker : IDisposable
{
    private const int QueueLength = 64;

    private readonly Channel<HotCode> _queue =
        Channel.CreateBounded<HotCode>(new BoundedChannelOptions(QueueLength) { SingleReader = true });
    private readonly CodeCache _codes;
    private readonly Action<HotCode> _scheduler;
    private readonly Action<Exception> _failed;
    private readonly Thread _thread;
    private long _compiled;
    private long _dropped;
    private long _ticks;

    /// <param name="codes">Whose hot code it compiles, from now until it is disposed.</param>
    /// <param name="failed">Told when a contract could not be compiled; it stays interpreted.</param>
    public CompilationWorker(CodeCache codes, Action<Exception> failed)
    {
        _codes = codes;
        _failed = failed;
        _scheduler = Schedule;
        _thread = new Thread(Run) { IsBackground = true, Name = "evm-compiler", Priority = ThreadPriority.BelowNormal };
        _thread.Start();
        _codes.Hot = _scheduler;
    }

    /// <summary>Contracts compiled so far.</summary>
    public long Compiled => Interlocked.Read(ref _compiled);

    /// <summary>Hot contracts that were not compiled: over the compiler's limits, or no room in the queue.</summary>
    public long Dropped => Interlocked.Read(ref _dropped);

    public TimeSpan TimeSpent => TimeSpan.FromTicks(Interlocked.Read(ref _ticks));

    public void Dispose()
    {
        if (_codes.Hot == _scheduler) _codes.Hot = null;
        _queue.Writer.TryComplete();
        _thread.Join();
    }

    private void Schedule(HotCode code)
    {
        if (_queue.Writer.TryWrite(code)) return;
        Interlocked.Increment(ref _dropped);
        code.Decline();
    }

    private void Run()
    {
        ChannelReader<HotCode> reader = _queue.Reader;
        while (reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            while (reader.TryRead(out HotCode? code)) Compile(code);
        }
    }

    private void Compile(HotCode code)
    {
        long start = Stopwatch.GetTimestamp();
        bool done = TryCompile(code);
        Interlocked.Add(ref _ticks, Stopwatch.GetElapsedTime(start).Ticks);
        Interlocked.Increment(ref done ? ref _compiled : ref _dropped);
    }

    private bool TryCompile(HotCode code)
    {
        try
        {
            return code.Compile();
        }
        catch (Exception e)
        {
            // The interpreter goes on with the same code, so that a fault of the compiler costs speed alone.
            _failed(e);
            return false;
        }
    }
}
