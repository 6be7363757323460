namespace QuorumMesh.Enclave.Keys.Tests.Vault;

/// <summary>The system's clock, ahead by as much as a test says; pauses of up to two seconds are a tenth as long.</summary>
internal sealed class ShiftedTime : TimeProvider
{
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(2);

    private long _ahead;

    public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _ahead));

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        System.CreateTimer(callback, state, dueTime > TimeSpan.Zero && dueTime <= Longest ? dueTime / 10 : dueTime, period);

    public void Advance(TimeSpan time) => Interlocked.Add(ref _ahead, time.Ticks);
}
