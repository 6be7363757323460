using Microsoft.AspNetCore.Http;
using QuorumMesh.Listeners;

namespace QuorumMesh.Listeners.Tests;

public sealed class BoundedBodyTests
{
    private const int Limit = 1 << 20;
    private readonly ByteBudget _budget = new("test", 4 << 20);

    [Theory]
    [InlineData(0, true)]
    [InlineData(1, true)]
    [InlineData(300_000, true)]
    [InlineData(Limit, true)]
    [InlineData(0, false)]
    [InlineData(300_000, false)]
    [InlineData(Limit, false)]
    public async Task The_whole_body_comes_in_one_piece(int length, bool announced)
    {
        var sent = new byte[length];
        new Random(length).NextBytes(sent);
        using (var body = await BoundedBody.ReadAsync(Request(new MemoryStream(sent), announced ? length : null), Limit, _budget))
        {
            Assert.NotNull(body);
            Assert.Equal(sent, body.Bytes.ToArray());
            Assert.Equal(sent, body.ToArray());
            Assert.True(length <= ByteLease.Free || _budget.Held > 0);
        }
        Assert.Equal(0, _budget.Held);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_body_past_the_limit_is_not_kept(bool announced)
    {
        var sent = new MemoryStream(new byte[Limit + 1]);
        Assert.Null(await BoundedBody.ReadAsync(Request(sent, announced ? Limit + 1 : null), Limit, _budget));
        Assert.Equal(0, _budget.Held);
    }

    [Fact]
    public async Task What_is_announced_and_does_not_come_holds_next_to_nothing()
    {
        using var stalled = new StalledStream(new byte[1_000]);
        var reading = BoundedBody.ReadAsync(Request(stalled, Limit), Limit, _budget, TimeSpan.FromMinutes(10));
        await stalled.Stalled;
        Assert.Equal(0, _budget.Held);
        stalled.End();
        using var body = await reading;
        Assert.Equal(1_000, body!.Bytes.Length);
    }

    [Fact]
    public async Task Bodies_that_do_not_fit_together_are_refused()
    {
        var budget = new ByteBudget("test", 1_000_000);
        using var stalled = new StalledStream(new byte[400_000]);
        var reading = BoundedBody.ReadAsync(Request(stalled, Limit), Limit, budget, TimeSpan.FromMinutes(10));
        await stalled.Stalled;
        var refused = await Assert.ThrowsAsync<BudgetExceededException>(
            () => BoundedBody.ReadAsync(Request(new MemoryStream(new byte[300_000]), 300_000), Limit, budget));
        Assert.Contains("try again later", refused.Message, StringComparison.Ordinal);
        stalled.End();
        (await reading)!.Dispose();
        Assert.Equal(0, budget.Held);
        using var next = await BoundedBody.ReadAsync(Request(new MemoryStream(new byte[300_000]), 300_000), Limit, budget);
        Assert.NotNull(next);
    }

    [Fact]
    public async Task A_body_that_does_not_end_in_time_is_given_up()
    {
        using var stalled = new StalledStream(new byte[100_000]);
        var slow = await Assert.ThrowsAsync<TimeoutException>(
            () => BoundedBody.ReadAsync(Request(stalled, 200_000), Limit, _budget, TimeSpan.FromMilliseconds(1)));
        Assert.Contains("was not there after", slow.Message, StringComparison.Ordinal);
        Assert.Equal(0, _budget.Held);
    }

    private static HttpRequest Request(Stream body, long? length)
    {
        var request = new DefaultHttpContext().Request;
        request.Body = body;
        request.ContentLength = length;
        return request;
    }

    /// <summary>Gives its bytes, then nothing until it is told to end.</summary>
    private sealed class StalledStream(byte[] first) : MemoryStream(first)
    {
        private readonly TaskCompletionSource _stalled = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _end = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Stalled => _stalled.Task;

        public void End() => _end.SetResult();

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (Position < Length) return await base.ReadAsync(buffer, cancellationToken);
            _stalled.TrySetResult();
            await _end.Task.WaitAsync(cancellationToken);
            return 0;
        }
    }
}
