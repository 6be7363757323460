using QuorumMesh.Node.Network.Peers;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Tests.Peers;

public class QueueTests
{
    [Fact]
    public void A_full_transaction_queue_drops_its_oldest()
    {
        var queue = new TransactionQueue(10_000);
        var dropped = new List<Hash256>();
        for (int i = 0; i < 100; i++)
            queue.Enqueue(HashOf(i), new byte[1000], dropped.Add);
        Assert.Equal(Enumerable.Range(0, 91).Select(HashOf), dropped);
        var batch = new List<ReadOnlyMemory<byte>>();
        queue.Take(batch, 256, 3_500);
        Assert.Equal(3, batch.Count);
        queue.Take(batch, 5, 100_000);
        Assert.Equal(5, batch.Count);
        queue.Take(batch, 256, 100_000);
        Assert.Equal(9, batch.Count);
        Assert.True(queue.IsEmpty);
    }

    [Fact]
    public void Many_empty_transactions_are_bounded_too()
    {
        var queue = new TransactionQueue(6_400);
        int dropped = 0;
        for (int i = 0; i < 1_000; i++)
            queue.Enqueue(HashOf(i), ReadOnlyMemory<byte>.Empty, _ => dropped++);
        Assert.Equal(900, dropped);
    }

    [Fact]
    public void One_transaction_larger_than_a_batch_still_goes()
    {
        var queue = new TransactionQueue(1_000_000);
        queue.Enqueue(HashOf(1), new byte[200_000], _ => { });
        var batch = new List<ReadOnlyMemory<byte>>();
        queue.Take(batch, 256, 100_000);
        Assert.Equal(200_000, Assert.Single(batch).Length);
    }

    [Fact]
    public void The_oldest_known_transactions_are_forgotten()
    {
        var known = new KnownHashes(10);
        for (int i = 0; i < 15; i++)
            Assert.True(known.Add(HashOf(i)));
        Assert.False(known.Add(HashOf(5)));
        Assert.True(known.Add(HashOf(4)));
        known.Remove(HashOf(14));
        Assert.True(known.Add(HashOf(14)));
    }

    private static Hash256 HashOf(int i) => Keccak.Hash(BitConverter.GetBytes(i));
}
