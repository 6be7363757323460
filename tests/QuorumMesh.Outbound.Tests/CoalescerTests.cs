using System.Collections.Concurrent;
using Microsoft.Extensions.Time.Testing;

namespace QuorumMesh.Outbound.Tests;

public sealed class CoalescerTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly FakeTimeProvider _clock = new();
    private readonly ConcurrentQueue<(IReadOnlyList<CoalescedCall<int, int>> Calls, TaskCompletionSource Answered)> _sent = new();
    private readonly Coalescer<int, int> _coalescer;

    public CoalescerTests() =>
        _coalescer = new Coalescer<int, int>(new CoalescerOptions { MaxCalls = 4, MaxBytes = 100, AtOnce = 1 }, SendAsync, _clock);

    public void Dispose() => _coalescer.Dispose();

    [Fact]
    public async Task One_that_comes_alone_goes_at_once_and_alone()
    {
        var answer = _coalescer.AskAsync(7, 1, default);
        Assert.Equal((int[])[7], await NextAsync());
        Answer(1);
        Assert.Equal(70, await answer.WaitAsync(Limit));
    }

    [Fact]
    public async Task What_comes_while_a_message_is_under_way_goes_together_when_that_is_answered()
    {
        var first = _coalescer.AskAsync(1, 1, default);
        Assert.Equal((int[])[1], await NextAsync());
        Task<int>[] next = [.. Enumerable.Range(2, 5).Select(i => _coalescer.AskAsync(i, 1, default))];
        Assert.Single(_sent);
        Answer(1);
        Assert.Equal(10, await first.WaitAsync(Limit));
        // As many as fit into one message; the others wait for that.
        Assert.Equal((int[])[2, 3, 4, 5], await NextAsync());
        Answer(2);
        Assert.Equal((int[])[6], await NextAsync());
        Answer(3);
        Assert.Equal((int[])[20, 30, 40, 50, 60], await Task.WhenAll(next).WaitAsync(Limit));
    }

    [Fact]
    public async Task An_answer_that_takes_long_holds_up_nobody_for_longer_than_the_patience()
    {
        var first = _coalescer.AskAsync(1, 1, default);
        Assert.Equal((int[])[1], await NextAsync());
        var second = _coalescer.AskAsync(2, 1, default);
        _clock.Advance(new CoalescerOptions().Patience);
        Assert.Equal((int[])[2], await NextAsync());
        Answer(2);
        Assert.Equal(20, await second.WaitAsync(Limit));
        Assert.False(first.IsCompleted);
        Answer(1);
        Assert.Equal(10, await first.WaitAsync(Limit));
    }

    /// <summary>Whether the five are there before the first message goes is a race, which most of so many rounds win.</summary>
    [Fact]
    public async Task What_did_not_fit_into_a_message_waits_no_longer_than_the_patience()
    {
        for (var round = 0; round < 20; round++)
        {
            var never = new TaskCompletionSource();
            using var coalescer = new Coalescer<int, int>(new CoalescerOptions { MaxCalls = 1, AtOnce = 1 }, calls =>
            {
                if (calls[0].Ask == 0) return never.Task;
                calls[0].Answer(calls[0].Ask);
                return Task.CompletedTask;
            });
            Task<int>[] asked = [.. Enumerable.Range(0, 5).Select(i => coalescer.AskAsync(i, 1, default))];
            Assert.Equal((int[])[1, 2, 3, 4], await Task.WhenAll(asked[1..]).WaitAsync(Limit));
            Assert.False(asked[0].IsCompleted);
            never.SetResult();
        }
    }

    [Fact]
    public async Task A_message_has_no_more_bytes_than_it_may_and_a_long_call_goes_alone()
    {
        var first = _coalescer.AskAsync(1, 1, default);
        Assert.Equal((int[])[1], await NextAsync());
        Task<int>[] next = [_coalescer.AskAsync(2, 60, default), _coalescer.AskAsync(3, 60, default), _coalescer.AskAsync(4, 500, default)];
        Answer(1);
        Assert.Equal((int[])[2], await NextAsync());
        Answer(2);
        Assert.Equal((int[])[3], await NextAsync());
        Answer(3);
        Assert.Equal((int[])[4], await NextAsync());
        Answer(4);
        Assert.Equal((int[])[20, 30, 40], await Task.WhenAll(next).WaitAsync(Limit));
        Assert.Equal(10, await first);
    }

    [Fact]
    public async Task A_caller_that_leaves_takes_its_call_along_and_no_other()
    {
        using var leaves = new CancellationTokenSource();
        var first = _coalescer.AskAsync(1, 1, default);
        Assert.Equal((int[])[1], await NextAsync());
        var (left, stays) = (_coalescer.AskAsync(2, 1, leaves.Token), _coalescer.AskAsync(3, 1, default));
        await leaves.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        Answer(1);
        Assert.Equal((int[])[3], await NextAsync());
        Answer(2);
        Assert.Equal((int[])[10, 30], await Task.WhenAll(first, stays).WaitAsync(Limit));
    }

    [Fact]
    public async Task Each_has_its_own_outcome_and_what_ends_a_message_ends_those_without_one()
    {
        using var coalescer = new Coalescer<int, int>(new CoalescerOptions { AtOnce = 0 }, calls =>
        {
            calls[0].Answer(1);
            calls[1].Fail(new InvalidOperationException("the second"));
            throw new IOException("the message");
        }, _clock);
        Task<int>[] asked = [.. Enumerable.Range(0, 3).Select(i => coalescer.AskAsync(i, 1, default))];
        _clock.Advance(new CoalescerOptions().Patience);
        Assert.Equal(1, await asked[0].WaitAsync(Limit));
        Assert.Equal("the second", (await Assert.ThrowsAsync<InvalidOperationException>(() => asked[1].WaitAsync(Limit))).Message);
        Assert.Equal("the message", (await Assert.ThrowsAsync<IOException>(() => asked[2].WaitAsync(Limit))).Message);
    }

    [Fact]
    public async Task A_call_that_is_left_without_an_answer_fails()
    {
        using var coalescer = new Coalescer<int, int>(new CoalescerOptions(), _ => Task.CompletedTask);
        await Assert.ThrowsAsync<InvalidOperationException>(() => coalescer.AskAsync(1, 1, default).WaitAsync(Limit));
    }

    private async Task SendAsync(IReadOnlyList<CoalescedCall<int, int>> calls)
    {
        var answered = new TaskCompletionSource();
        _sent.Enqueue((calls, answered));
        await answered.Task;
        foreach (var call in calls) call.Answer(10 * call.Ask);
    }

    private int _seen;

    /// <summary>The calls of the message after those that were asked for here.</summary>
    private async Task<IEnumerable<int>> NextAsync()
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (_sent.Count == _seen)
        {
            Assert.True(clock.Elapsed < Limit, "no further message");
            await Task.Delay(1);
        }

        return _sent.ElementAt(_seen++).Calls.Select(c => c.Ask);
    }

    /// <param name="message">The first is 1.</param>
    private void Answer(int message) => _sent.ElementAt(message - 1).Answered.SetResult();
}
