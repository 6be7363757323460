namespace QuorumMesh.Simulation.Node;

/// <summary>A node's clock: milliseconds of the network, with a wall clock that is some way off.</summary>
/// <param name="network">Whose time it is, and what calls the timers.</param>
/// <param name="skew">How far the wall clock is off.</param>
internal sealed class VirtualClock(NodeNetwork network, TimeSpan skew) : TimeProvider
{
    private static readonly DateTimeOffset Start = DateTimeOffset.FromUnixTimeSeconds(1_700_000_000);

    public override long TimestampFrequency => 1_000;

    public override long GetTimestamp() => network.Now;

    public override DateTimeOffset GetUtcNow() => Start + TimeSpan.FromMilliseconds(network.Now) + skew;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new VirtualTimer(network, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class VirtualTimer(NodeNetwork network, TimerCallback callback, object? state) : ITimer
    {
        private int _setting;

        /// <param name="period">Nothing here uses one.</param>
        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            var setting = ++_setting;
            if (dueTime == Timeout.InfiniteTimeSpan) return true;
            network.At(network.Now + (long)dueTime.TotalMilliseconds, () =>
            {
                if (setting == _setting) callback(state);
            });
            return true;
        }

        public void Dispose() => _setting++;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}

/// <summary>
/// Runs a node's background work on the network's own thread, in the order that the seed gives; none of it survives the node's life.
/// </summary>
internal sealed class VirtualScheduler(NodeNetwork network) : TaskScheduler
{
    private bool _hasEnded;

    public void End() => _hasEnded = true;

    protected override void QueueTask(Task task) => network.At(network.Now, () =>
    {
        if (!_hasEnded) TryExecuteTask(task);
    });

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks() => [];
}
