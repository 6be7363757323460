using QuorumMesh.ServiceDefaults;

namespace QuorumMesh.ServiceDefaults.Tests;

public sealed class StopDeadlineTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task A_stop_that_hangs_is_cut_off()
    {
        using var stopping = new CancellationTokenSource();
        var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var deadline = StopDeadline.Arm(stopping.Token, TimeSpan.FromMilliseconds(1), TimeProvider.System, ended.SetResult);
        Assert.False(ended.Task.IsCompleted);
        await stopping.CancelAsync();
        await ended.Task.WaitAsync(Patience);
    }

    [Fact]
    public async Task It_begins_with_the_stop_and_ends_with_it()
    {
        var clock = new StoppedClock();
        using var stopping = new CancellationTokenSource();
        var deadline = StopDeadline.Arm(stopping.Token, StopDeadline.Process, clock, static () => Assert.Fail("the stop was in time"));
        Assert.Equal([Timeout.InfiniteTimeSpan], clock.Due);
        await stopping.CancelAsync();
        Assert.Equal([Timeout.InfiniteTimeSpan, StopDeadline.Process], clock.Due);
        deadline.Dispose();
        Assert.True(clock.IsDisposed);
        Assert.InRange(StopDeadline.Process, StopDeadline.OpenCalls * 2, TimeSpan.FromSeconds(5));
    }

    private sealed class StoppedClock : TimeProvider, ITimer
    {
        public List<TimeSpan> Due { get; } = [];

        public bool IsDisposed { get; private set; }

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            Due.Add(dueTime);
            return this;
        }

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            Due.Add(dueTime);
            return true;
        }

        public void Dispose() => IsDisposed = true;

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
