using System.Collections.Concurrent;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core;

namespace QuorumMesh.TxManager.Storage.Writing;

/// <summary>
/// The one writer of a store: collects the writes that wait, commits them as one transaction, then tells each caller (group commit). It has
/// a thread of its own because a commit waits for the disk.
/// </summary>
internal sealed class BatchWriter : IDisposable
{
    private const int MaxBatch = 256;
    private const int MaxWaiting = 8192;

    private readonly StoreProvider _provider;
    private readonly Action _committed;
    private readonly BlockingCollection<StoreWrite> _queue = new(MaxWaiting);
    private readonly Thread _thread;
    private WriterSession? _session;
    private StoreWrite? _heldOver;

    public BatchWriter(StoreProvider provider, Action committed)
    {
        _provider = provider;
        _committed = committed;
        _thread = new Thread(Run) { IsBackground = true, Name = "payload-writer" };
        _thread.Start();
    }

    public int Waiting => _queue.Count;

    public Task<bool> WriteAsync(StoreWrite write)
    {
        try
        {
            // Refused, not queued without bound: a sender that waits for a disk that cannot keep up should hear of it.
            if (!_queue.TryAdd(write))
                throw new PrivacyException(Failure.StoreUnavailable, $"The payload store is overloaded: {MaxWaiting} writes are waiting");
        }
        catch (InvalidOperationException)
        {
            throw new PrivacyException(Failure.StoreUnavailable, "The payload store is closing");
        }

        return write.Completion;
    }

    /// <summary>Commits what waits, then ends.</summary>
    public void Dispose()
    {
        _queue.CompleteAdding();
        _thread.Join();
        _session?.Dispose();
        _queue.Dispose();
    }

    private void Run()
    {
        var batch = new List<StoreWrite>(MaxBatch);
        while (Collect(batch))
        {
            if (!TryCommit(batch, out var failure))
                CommitSingly(batch, failure!);
            batch.Clear();
        }
    }

    /// <summary>A batch holds each hash once, so that every write sees the state before the batch.</summary>
    private bool Collect(List<StoreWrite> batch)
    {
        var first = _heldOver;
        _heldOver = null;
        if (first is null && !_queue.TryTake(out first, Timeout.Infinite))
            return false;
        var hashes = new HashSet<PayloadHash> { first.Hash };
        batch.Add(first);
        // Takes what is there and waits for nobody: a lone write commits at once, a crowd shares one flush.
        while (batch.Count < MaxBatch && _queue.TryTake(out var next))
        {
            if (!hashes.Add(next.Hash))
            {
                _heldOver = next;
                break;
            }

            batch.Add(next);
        }

        return true;
    }

    private void CommitSingly(List<StoreWrite> batch, Exception failure)
    {
        foreach (var write in batch)
        {
            // Once more on a fresh connection: the failure may have been that of another write, or of the connection.
            if (!TryCommit([write], out var again))
            {
                var reason = (again ?? failure).GetBaseException().Message;
                write.Fail(
                    new PrivacyException(Failure.StoreUnavailable, $"The payload store ({_provider.Description}) failed: {reason}", again));
            }
        }
    }

    private bool TryCommit(List<StoreWrite> batch, out Exception? failure)
    {
        failure = null;
        try
        {
            var results = Commit(batch);
            // After the commit: whoever waits for new payloads finds them.
            _committed();
            for (var i = 0; i < results.Length; i++)
                batch[i].Complete(results[i]);

            return true;
        }
        catch (Exception e)
        {
            // Any failure at all: the writer must go on, and the caller must hear of it.
            failure = e;
            // The transaction is half done, or the connection is gone: the next try opens another, which rolls this one back.
            _session?.Dispose();
            _session = null;
            return false;
        }
    }

    private bool[] Commit(List<StoreWrite> batch)
    {
        _session ??= new WriterSession(_provider);
        _session.Begin(batch.Count, batch.Sum(w => w.Participations));
        foreach (var write in batch)
            write.Begin(_session);
        _session.Send();
        bool[] results = [.. batch.Select(w => w.Run(_session))];
        // One wait for the disk for all of them; each caller is told only after it.
        _session.Commit();
        return results;
    }
}
