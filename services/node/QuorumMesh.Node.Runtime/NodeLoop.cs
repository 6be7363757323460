namespace QuorumMesh.Node.Runtime;

/// <summary>Runs a node's passes on one thread of its own, over what comes into the mailbox.</summary>
public sealed class NodeLoop : IAsyncDisposable
{
    private const int MaxBulkPerBatch = 512;

    private readonly NodeAssembly _node;
    private readonly Mailbox<NodeInput> _mailbox;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Thread _thread;
    private volatile bool _isStopping;
    private volatile bool _isStarted;
    private long _lastPass;

    /// <param name="node">Started by the loop and ended with it.</param>
    /// <param name="mailbox">The one that the node's seams post into.</param>
    public NodeLoop(NodeAssembly node, Mailbox<NodeInput> mailbox)
    {
        (_node, _mailbox) = (node, mailbox);
        _thread = new Thread(Run) { IsBackground = true, Name = "node-loop" };
    }

    /// <summary>Completes when the loop has ended; faulted with <see cref="NodeHaltedException"/> when it could not go on.</summary>
    public Task Ended => _ended.Task;

    /// <summary>
    /// How long the loop has been at one batch: it takes nothing in meanwhile. May be read from any thread; zero before the start.
    /// </summary>
    public TimeSpan SinceLastPass =>
        _isStarted ? TimeSpan.FromMilliseconds(_node.Milliseconds - Volatile.Read(ref _lastPass)) : TimeSpan.Zero;

    /// <summary>
    /// What holds up transactions for the longest time, and for how long: one batch of the loop, or one flush of the journal beside it,
    /// which their answers wait for. May be read from any thread.
    /// </summary>
    public (TimeSpan For, string With) Busy => (SinceLastPass, _node.JournalFlushing) is var (pass, flush) && flush > pass
        ? (flush, "one flush of the transaction journal") : (pass, "one batch");

    public void Start()
    {
        _node.Start();
        Volatile.Write(ref _lastPass, _node.Milliseconds);
        _isStarted = true;
        _thread.Start();
    }

    public async ValueTask DisposeAsync()
    {
        _isStopping = true;
        _ = _mailbox.TryPostUrgent(new NodeInput.WakeUp());
        if (!_thread.ThreadState.HasFlag(ThreadState.Unstarted)) await _ended.Task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _node.DisposeAsync().ConfigureAwait(false);
    }

    private void Run()
    {
        try
        {
            var batch = new List<NodeInput>();
            var deadline = _node.Milliseconds;
            while (!_isStopping)
            {
                _mailbox.Take(batch, MaxBulkPerBatch, TimeSpan.FromMilliseconds(Math.Max(0, deadline - _node.Milliseconds)));
                Volatile.Write(ref _lastPass, _node.Milliseconds);
                deadline = _node.Pass(batch);
                batch.Clear();
            }
            _node.Close();
            _ended.TrySetResult();
        }
        catch (Exception e)
        {
            _ended.TrySetException(e);
        }
    }
}
