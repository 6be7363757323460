using QuorumMesh.Chain;
using QuorumMesh.Evm;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

public sealed class SenderCacheTests
{
    private static readonly SenderRules Rules = SenderRules.For(10u, Fork.Constantinople);

    [Fact]
    public void Knows_what_it_recovered_also_past_its_capacity()
    {
        var cache = new SenderCache(capacity: 8);
        var key = TestChain.Key(1);
        for (var round = 0; round < 2; round++)
            for (var nonce = 0ul; nonce < 30; nonce++)
                Assert.Equal(TestChain.AddressOf(key), cache.Recover(TestChain.Public(key, nonce), Rules)!.Sender);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(40)]
    public void Recovers_whole_blocks_in_order(int count)
    {
        var transactions = Enumerable.Range(0, count).Select(i => TestChain.Public(TestChain.Key(i % 5), (ulong)i)).ToList();
        var recovered = new SenderCache().RecoverAll(transactions, Rules)!;
        Assert.Equal(transactions.Select((_, i) => TestChain.AddressOf(TestChain.Key(i % 5))), recovered.Select(r => r.Sender));
        Assert.Equal(transactions, recovered.Select(r => r.Tx));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(40)]
    public void One_bad_signature_fails_the_block(int count)
    {
        var transactions = Enumerable.Range(0, count).Select(i => TestChain.Public(TestChain.Key(1), (ulong)i)).ToList();
        transactions[count / 2] = transactions[count / 2].WithSignature(37u + 100u, 1u, 1u);
        var cache = new SenderCache();
        Assert.Null(cache.RecoverAll(transactions, Rules));
        Assert.Null(cache.Recover(transactions[count / 2], Rules));
    }
}
