namespace QuorumMesh.Node.Runtime.Tests;

public sealed class JournalFlusherTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);

    private readonly RecordingStore _store = new();
    private readonly List<JournalledEffects> _out = [];

    [Fact]
    public async Task What_comes_while_a_flush_runs_waits_for_the_next_one_which_serves_all_of_it()
    {
        using var inFlush = new SemaphoreSlim(0);
        using var mayEnd = new SemaphoreSlim(0);
        var flushes = 0;
        _store.Synced = () =>
        {
            Interlocked.Increment(ref flushes);
            inFlush.Release();
            Assert.True(mayEnd.Wait(Patience));
        };
        var flusher = New();
        var all = Enumerable.Range(0, 10).Select(_ => new JournalledEffects()).ToList();
        flusher.Add(all[0]);
        Assert.True(await inFlush.WaitAsync(Patience));
        foreach (var late in all.Skip(1)) flusher.Add(late);
        Assert.Empty(Out());
        mayEnd.Release();
        Assert.True(await inFlush.WaitAsync(Patience));
        // The flush that ran before they came is none of theirs.
        Assert.Equal([all[0]], Out());
        mayEnd.Release();
        await flusher.EndAsync().WaitAsync(Patience);
        Assert.Equal(all, Out());
        Assert.Equal(2, flushes);
    }

    [Fact]
    public async Task After_a_failed_flush_nothing_leaves_any_more_and_the_loop_is_told()
    {
        var failed = 0;
        _store.Synced = () => throw new IOException("no space left");
        var flusher = New(() => failed++);
        flusher.Add(new JournalledEffects());
        await flusher.EndAsync().WaitAsync(Patience);
        Assert.Equal(1, failed);
        Assert.Contains("no space left", Assert.Throws<IOException>(flusher.ThrowIfFailed).Message, StringComparison.Ordinal);
        _store.Synced = static () => { };
        Assert.Throws<IOException>(() => flusher.Add(new JournalledEffects()));
        await flusher.EndAsync().WaitAsync(Patience);
        Assert.Empty(Out());
    }

    [Fact]
    public async Task An_effect_that_fails_ends_the_loop_too()
    {
        var failed = 0;
        var flusher = new JournalFlusher(_store, TaskScheduler.Default, static _ => throw new InvalidOperationException("no mailbox"),
            () => failed++, TimeProvider.System);
        flusher.Add(new JournalledEffects());
        await flusher.EndAsync().WaitAsync(Patience);
        Assert.Equal(1, failed);
        Assert.Contains("no mailbox", Assert.Throws<IOException>(flusher.ThrowIfFailed).Message, StringComparison.Ordinal);
        Assert.Throws<IOException>(() => flusher.Add(new JournalledEffects()));
    }

    private JournalFlusher New(Action? failed = null) => new(_store, TaskScheduler.Default, effects =>
    {
        lock (_out) _out.Add(effects);
    }, failed ?? (static () => { }), TimeProvider.System);

    private List<JournalledEffects> Out()
    {
        lock (_out) return [.. _out];
    }
}
