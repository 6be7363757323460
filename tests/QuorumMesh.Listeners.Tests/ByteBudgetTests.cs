using QuorumMesh.Listeners;

namespace QuorumMesh.Listeners.Tests;

public sealed class ByteBudgetTests
{
    private const int Free = ByteLease.Free;

    [Fact]
    public void Messages_share_the_limit_and_give_it_back()
    {
        var budget = new ByteBudget("test", 1_000);
        var first = budget.Lease();
        using var second = budget.Lease();
        Assert.True(first.TryHold(Free + 600));
        Assert.False(second.TryHold(Free + 500));
        Assert.True(second.TryHold(Free + 400));
        Assert.Equal((1_000, 1), (budget.Held, budget.Refused));
        first.Dispose();
        first.Dispose();
        Assert.Equal(400, budget.Held);
        Assert.True(second.TryHold(Free + 1_000));
    }

    [Fact]
    public void A_refused_growth_leaves_the_share_as_it_was()
    {
        var budget = new ByteBudget("test", 1_000);
        using var lease = budget.Lease();
        Assert.True(lease.TryHold(Free + 700));
        Assert.False(lease.TryHold(Free + 1_001));
        Assert.Equal(700, budget.Held);
        Assert.True(lease.TryHold(Free + 100));
        Assert.Equal(100, budget.Held);
    }

    [Fact]
    public void Small_messages_need_no_room()
    {
        var budget = new ByteBudget("test", 1);
        using var full = budget.Lease();
        Assert.True(full.TryHold(Free + 1));
        using var small = budget.Lease();
        Assert.True(small.TryHold(Free));
        Assert.Equal(1, budget.Held);
    }

    [Fact]
    public async Task Many_at_once_never_pass_the_limit_and_leave_nothing()
    {
        var budget = new ByteBudget("test", 10_000);
        await Parallel.ForAsync(0, 2_000, (i, _) =>
        {
            using var lease = budget.Lease();
            if (lease.TryHold(Free + (i % 5_000))) lease.TryHold(Free + (i % 7_000));
            return ValueTask.CompletedTask;
        });
        Assert.Equal(0, budget.Held);
    }

    [Fact]
    public async Task One_share_serves_several_at_once_and_holds_nothing_after_its_end()
    {
        var budget = new ByteBudget("test", 10_000);
        var lease = budget.Lease();
        Assert.True(lease.TryAdd(Free));
        await Parallel.ForAsync(0, 2_000, (i, _) =>
        {
            if (lease.TryAdd(i)) lease.TryAdd(-i);
            return ValueTask.CompletedTask;
        });
        Assert.Equal(0, budget.Held);
        Assert.True(lease.TryAdd(4_000));
        Assert.False(lease.TryAdd(6_001));
        Assert.Equal(4_000, budget.Held);
        lease.Dispose();
        // What is still at work when its call is over takes nothing more, and gives nothing back twice.
        Assert.False(lease.TryAdd(1));
        lease.TryAdd(-4_000);
        Assert.Equal(0, budget.Held);
    }

    [Fact]
    public void Longer_messages_have_more_time()
    {
        Assert.Equal(TimeSpan.FromSeconds(30), TransferTime.For(0));
        Assert.Equal(TimeSpan.FromSeconds(40), TransferTime.For(10 << 20));
        Assert.Equal(TimeSpan.FromSeconds(3), TransferTime.For(2 << 20, TimeSpan.FromSeconds(1)));
    }
}
