using System.Collections.Concurrent;
using QuorumMesh.Primitives;
using QuorumMesh.TxManager.Core;

namespace QuorumMesh.TxManager.Storage.Writing;

/// <summary>
/// The one writer of a store: collects the writes that wait, commits them as one transaction, then tells each caller (group commit).
/// It has a thread of its own because a commit waits for the disk.
/// </summary>
internal sealed class BatchWriter : IDisposable
{
    private const int MaxBatch = 256;
    private const int MaxWaiting = 8192;

    private readonly StoreProvider provider;
    private readonly Action committed;
    private readonly BlockingCollection<StoreWrite> queue = new(MaxWaiting);
    private readonly Thread thread;
    private WriterSession? session;
    private StoreWrite? heldOver;

    public BatchWriter(StoreProvider provider, Action committed)
    {
        this.provider = provider;
        this.committed = committed;
        thread = new Thread(Run) { IsBackground = true, Name = "payload-writer" };
        thread.Start();
    }

    public int Waiting => queue.Count;

    public Task<bool> WriteAsync(StoreWrite write)
    {
        try
        {
            if (!queue.TryAdd(write))
            {
                throw new PrivacyException(Failure.StoreUnavailable, $"The payload store is overloaded: {MaxWaiting} writes are waiting");
            }
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
        queue.CompleteAdding();
        thread.Join();
        session?.Dispose();
        queue.Dispose();
    }

    private void Run()
    {
        var batch = new List<StoreWrite>(MaxBatch);
        while (Collect(batch))
        {
            if (!TryCommit(batch, out Exception? failure))
            {
                CommitSingly(batch, failure!);
            }

            batch.Clear();
        }
    }

    /// <summary>A batch holds each hash once, so that every write sees the state before the batch.</summary>
    private bool Collect(List<StoreWrite> batch)
    {
        StoreWrite? first = heldOver;
        heldOver = null;
        if (first is null && !queue.TryTake(out first, Timeout.Infinite))
        {
            return false;
        }

        var hashes = new HashSet<PayloadHash> { first.Hash };
        batch.Add(first);
        while (batch.Count < MaxBatch && queue.TryTake(out StoreWrite? next))
        {
            if (!hashes.Add(next.Hash))
            {
                heldOver = next;
                break;
            }

            batch.Add(next);
        }

        return true;
    }

    private void CommitSingly(List<StoreWrite> batch, Exception failure)
    {
        foreach (StoreWrite write in batch)
        {
            // Once more on a fresh connection: the failure may have been that of another write, or of the connection.
            if (!TryCommit([write], out Exception? again))
            {
                string reason = (again ?? failure).GetBaseException().Message;
                write.Fail(new PrivacyException(Failure.StoreUnavailable, $"The payload store ({provider.Description}) failed: {reason}", again));
            }
        }
    }

    private bool TryCommit(List<StoreWrite> batch, out Exception? failure)
    {
        failure = null;
        try
        {
            bool[] results = Commit(batch);
            committed();
            for (int i = 0; i < results.Length; i++)
            {
                batch[i].Complete(results[i]);
            }

            return true;
        }
        catch (Exception e)
        {
            // Any failure at all: the writer must go on, and the caller must hear of it.
            failure = e;
            session?.Dispose();
            session = null;
            return false;
        }
    }

    private bool[] Commit(List<StoreWrite> batch)
    {
        session ??= new WriterSession(provider);
        session.Begin(batch.Sum(w => w.Participations));
        bool[] results = [.. batch.Select(w => w.Run(session))];
        session.Commit();
        return results;
    }
}
