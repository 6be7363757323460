using QuorumMesh.Chain.Payloads;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

public sealed class PayloadCacheTests
{
    private static PayloadAnswer Answer(byte id, int size, PayloadAvailability availability = PayloadAvailability.Here) =>
        SoloNode.AnswerOf(TestChain.HashOf([id]), new byte[size], availability);

    [Fact]
    public void Keeps_settled_answers_only()
    {
        var cache = new PayloadCache();
        cache.Add(Answer(1, 10));
        cache.Add(Answer(2, 0, PayloadAvailability.NotAParty));
        cache.Add(Answer(3, 0, PayloadAvailability.Missing));
        cache.Add(Answer(4, 0, PayloadAvailability.Unavailable));
        Assert.Equal(2, cache.Count);
        Assert.Null(cache.Find(TestChain.HashOf([3])));
        Assert.Equal(PayloadAvailability.NotAParty, cache.Find(TestChain.HashOf([2]))!.Availability);
    }

    [Fact]
    public void Drops_the_oldest_beyond_its_bytes_and_counts_a_replacement_once()
    {
        var cache = new PayloadCache(capacityBytes: 10_000);
        for (var i = 0; i < 50; i++) cache.Add(Answer(1, 4_000));
        cache.Add(Answer(2, 4_000));
        Assert.Equal(2, cache.Count);
        cache.Add(Answer(3, 4_000));
        Assert.Null(cache.Find(TestChain.HashOf([1])));
        Assert.Equal(2, cache.Count);
        cache.Add(Answer(4, 50_000));
        Assert.NotNull(cache.Find(TestChain.HashOf([4]))); // one is always kept, or its block could never run
        Assert.Equal(1, cache.Count);
        cache.Remove(TestChain.HashOf([4]));
        Assert.Equal(0, cache.Count);
    }

    [Fact]
    public void What_the_private_head_needs_first_stays_and_the_rest_goes_before_it()
    {
        var cache = new PayloadCache(capacityBytes: 10_000);
        cache.Keep([TestChain.HashOf([1]), TestChain.HashOf([2]), TestChain.HashOf([3])]);
        foreach (byte id in new byte[] { 3, 1, 9 }) cache.Add(Answer(id, 4_000));
        Assert.Equal((true, false, true), (Holds(cache, 1), Holds(cache, 9), Holds(cache, 3)));
        cache.Add(Answer(2, 4_000));
        Assert.Equal((true, true, false), (Holds(cache, 1), Holds(cache, 2), Holds(cache, 3)));
        // As many others as you like: the first stays, whatever it costs.
        cache.Add(Answer(1, 30_000));
        for (byte id = 10; id < 30; id++) cache.Add(Answer(id, 4_000));
        Assert.True(Holds(cache, 1));
        Assert.Equal(1, cache.Count);
    }

    [Fact]
    public void What_was_run_goes_first()
    {
        var cache = new PayloadCache(capacityBytes: 10_000);
        cache.Add(Answer(1, 4_000));
        cache.Add(Answer(2, 4_000));
        cache.Used(TestChain.HashOf([2]));
        Assert.True(Holds(cache, 2));
        cache.Add(Answer(3, 4_000));
        Assert.Equal((true, false, true), (Holds(cache, 1), Holds(cache, 2), Holds(cache, 3)));
    }

    [Fact]
    public void What_comes_with_a_payload_counts_too()
    {
        var (plain, hash) = (Answer(1, 100), TestChain.HashOf([2]));
        Assert.Equal(6_400, PayloadCache.Cost(plain with { AffectedTransactions = [.. Enumerable.Repeat(hash, 100)] }) - Cost());
        Assert.Equal(5_000, PayloadCache.Cost(plain with { ExecutionHash = new byte[5_000] }) - Cost());
        Assert.Equal(32, PayloadCache.Cost(plain with { SenderKey = new byte[32] }) - Cost());
        var parties = PayloadCache.Cost(plain with { ManagedParties = [.. Enumerable.Repeat(new byte[32], 100)] }) - Cost();
        Assert.InRange(parties, 3_200, 10_000);

        var cache = new PayloadCache(capacityBytes: 10_000);
        for (byte id = 1; id < 10; id++) cache.Add(Answer(id, 0) with { AffectedTransactions = [.. Enumerable.Repeat(hash, 100)] });
        Assert.Equal(1, cache.Count);
        cache.Remove(TestChain.HashOf([9]));
        Assert.Equal(0, cache.Bytes);

        long Cost() => PayloadCache.Cost(plain);
    }

    private static bool Holds(PayloadCache cache, byte id) => cache.Find(TestChain.HashOf([id])) is not null;
}
