namespace QuorumMesh.Node.Runtime.Tests;

public sealed class MailboxTests
{
    [Fact]
    public void Urgent_items_come_first_and_bulk_ones_in_portions()
    {
        using var mailbox = new Mailbox<int>();
        for (var i = 0; i < 5; i++) Assert.True(mailbox.TryPostBulk(i));
        Assert.True(mailbox.TryPostUrgent(100));
        var batch = new List<int>();
        mailbox.Take(batch, maxBulk: 3, TimeSpan.Zero);
        Assert.Equal([100, 0, 1, 2], batch);
        Assert.Equal(2, mailbox.BulkCount);
        batch.Clear();
        mailbox.Take(batch, maxBulk: 3, TimeSpan.FromMinutes(1));
        Assert.Equal([3, 4], batch);
    }

    [Fact]
    public void A_full_queue_refuses_and_has_room_again_once_taken()
    {
        using var mailbox = new Mailbox<int>(urgentCapacity: 2, bulkCapacity: 1);
        Assert.True(mailbox.TryPostUrgent(1) && mailbox.TryPostUrgent(2) && mailbox.TryPostBulk(3));
        Assert.False(mailbox.TryPostUrgent(4));
        Assert.False(mailbox.TryPostBulk(5));
        mailbox.Take([], maxBulk: 10, TimeSpan.Zero);
        Assert.True(mailbox.TryPostUrgent(6) && mailbox.TryPostBulk(7));
    }

    [Fact]
    public void Room_and_portions_are_counted_by_weight()
    {
        using var mailbox = new Mailbox<int>(bulkCapacity: 100, weigh: weight => weight);
        Assert.True(mailbox.TryPostBulk(60) && mailbox.TryPostBulk(30) && mailbox.TryPostBulk(10));
        Assert.False(mailbox.TryPostBulk(1));
        var batch = new List<int>();
        mailbox.Take(batch, maxBulk: 70, TimeSpan.Zero);
        Assert.Equal([60, 30], batch);
        Assert.True(mailbox.TryPostBulk(90));
        Assert.False(mailbox.TryPostBulk(1));
        mailbox.Take(batch, maxBulk: 1_000, TimeSpan.Zero);
        Assert.Equal(0, mailbox.BulkCount);
        // Larger than all the room: taken alone, and never refused for good.
        Assert.True(mailbox.TryPostBulk(1_000));
        Assert.False(mailbox.TryPostBulk(1));
    }

    /// <summary>The transports end after the loop: what they still hear must not end the process.</summary>
    [Fact]
    public async Task After_its_end_it_refuses_and_never_throws()
    {
        for (var round = 0; round < 50; round++)
        {
            var mailbox = new Mailbox<int>();
            var started = new CountdownEvent(2);
            var producers = Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
            {
                started.Signal();
                while (mailbox.TryPostUrgent(1)) mailbox.Take([], 0, TimeSpan.Zero);
            })).ToArray();
            Assert.True(started.Wait(TimeSpan.FromMinutes(1)));
            mailbox.Dispose();
            await Task.WhenAll(producers).WaitAsync(TimeSpan.FromMinutes(1));
            Assert.False(mailbox.TryPostUrgent(2));
            Assert.False(mailbox.TryPostBulk(3));
        }
    }

    [Fact]
    public async Task Wakes_the_consumer_and_loses_nothing_of_many_producers()
    {
        using var mailbox = new Mailbox<int>(bulkCapacity: 1_000_000);
        const int producers = 4, each = 5_000;
        var consumer = Task.Run(() =>
        {
            var got = new List<int>();
            while (got.Count < producers * each) mailbox.Take(got, 100, TimeSpan.FromMinutes(1));
            return got;
        });
        await Task.WhenAll(Enumerable.Range(0, producers).Select(p => Task.Run(() =>
        {
            for (var i = 0; i < each; i++) Assert.True(mailbox.TryPostBulk((p * each) + i));
        })));
        var all = await consumer.WaitAsync(TimeSpan.FromMinutes(2));
        Assert.Equal(Enumerable.Range(0, producers * each), all.Order());
    }
}
