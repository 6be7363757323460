namespace QuorumMesh.Node.Runtime;

/// <summary>
/// Notes the creations of blocks that an earlier build imported, on a thread of its own and with pauses, so that the chain does not
/// wait for it. What a stop interrupts goes on at the next start.
/// </summary>
public sealed class CreationIndexBuilder : IDisposable
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(5);

    private readonly CreationIndex _index;
    private readonly Action<ulong> _done;
    private readonly Action<Exception> _failed;
    private readonly ManualResetEventSlim _stop = new();
    private readonly Thread _thread;

    /// <param name="done">Told, with the last block, when the head is reached; not when nothing was missing.</param>
    /// <param name="failed">Told when a stored block cannot be read: the index stays as far as it is.</param>
    public CreationIndexBuilder(CreationIndex index, Action<ulong> done, Action<Exception> failed)
    {
        (_index, _done, _failed) = (index, done, failed);
        _thread = new Thread(Run) { IsBackground = true, Name = "creation-index", Priority = ThreadPriority.BelowNormal };
        _thread.Start();
    }

    public void Dispose()
    {
        _stop.Set();
        _thread.Join();
        _stop.Dispose();
    }

    private void Run()
    {
        try
        {
            var hasBuilt = false;
            while (_index.BuildStep())
            {
                hasBuilt = true;
                if (_stop.Wait(Pause)) return;
            }
            if (hasBuilt) _done(_index.IndexedTo);
        }
        catch (Exception e)
        {
            // The node runs without: the guard then says less, and the chain is not touched.
            _failed(e);
        }
    }
}
