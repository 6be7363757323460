using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Calls;

/// <summary>
/// Gives out the nonces of transactions that the node signs, one sender at a time. Sends of one account overlap: the next nonce is used
/// while the pool and its journal still work on the one before. After a failure the account's sends wait for those under way and ask
/// the pool again, so that a nonce left out is the next one used.
/// </summary>
/// <param name="pendingNonce">What the pool says when nothing of the account is under way.</param>
internal sealed class AccountNonces(Func<Address, CancellationToken, Task<ulong>> pendingNonce)
{
    private readonly Dictionary<Address, Lane> _lanes = [];
    private readonly Lock _gate = new();

    /// <param name="mayOverlap">False for what the pool may refuse: nothing follows before its answer.</param>
    /// <param name="submit">Must hand the transaction over before it first waits.</param>
    public async Task<Hash256> SubmitAsync(Address account, bool mayOverlap, Func<ulong, Task<Hash256>> submit,
        CancellationToken cancellation)
    {
        var lane = Enter(account);
        try
        {
            await lane.Gate.WaitAsync(cancellation).ConfigureAwait(false);
            Task<Hash256> submitted;
            try
            {
                if (!mayOverlap || lane.IsBroken) await lane.Idle.WaitAsync(cancellation).ConfigureAwait(false);
                if (lane.Idle.IsCompleted) lane.Restart(await pendingNonce(account, cancellation).ConfigureAwait(false));
                submitted = lane.Track(submit);
                if (!mayOverlap) await lane.Idle.WaitAsync(cancellation).ConfigureAwait(false);
            }
            finally
            {
                lane.Gate.Release();
            }
            return await submitted.WaitAsync(cancellation).ConfigureAwait(false);
        }
        finally
        {
            Leave(account, lane);
        }
    }

    private Lane Enter(Address account)
    {
        lock (_gate)
        {
            if (!_lanes.TryGetValue(account, out var lane)) _lanes[account] = lane = new Lane();
            lane.Users++;
            return lane;
        }
    }

    /// <summary>
    /// Lanes that nobody uses are forgotten; one that is left while a cancelled caller's transaction is under way is kept for the
    /// next.
    /// </summary>
    private void Leave(Address account, Lane lane)
    {
        lock (_gate)
        {
            if (--lane.Users == 0 && lane.Idle.IsCompleted) _lanes.Remove(account);
        }
    }

    private sealed class Lane
    {
        private readonly Lock _sync = new();
        private TaskCompletionSource _idle = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private int _underWay;
        private ulong _next;

        public Lane() => _idle.SetResult();

        public SemaphoreSlim Gate { get; } = new(1, 1);

        public int Users { get; set; }

        /// <summary>Completed while nothing is under way.</summary>
        public Task Idle
        {
            get
            {
                lock (_sync) return _idle.Task;
            }
        }

        public bool IsBroken { get; private set; }

        public void Restart(ulong next) => (_next, IsBroken) = (next, false);

        public Task<Hash256> Track(Func<ulong, Task<Hash256>> submit)
        {
            lock (_sync)
            {
                if (_underWay++ == 0) _idle = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
            var submitted = submit(_next++);
            _ = submitted.ContinueWith(End, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            return submitted;
        }

        private void End(Task<Hash256> ended)
        {
            _ = ended.Exception; // seen by the caller, unless it has gone
            lock (_sync)
            {
                if (!ended.IsCompletedSuccessfully) IsBroken = true;
                if (--_underWay == 0) _idle.TrySetResult();
            }
        }
    }
}
