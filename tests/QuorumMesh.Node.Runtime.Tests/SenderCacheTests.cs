using QuorumMesh.Chain;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;
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

    [Fact]
    public async Task Recovers_once_what_comes_from_several_sides_at_once()
    {
        var transactions = Enumerable.Range(0, 100).Select(i => TestChain.Public(TestChain.Key(i % 5), (ulong)i)).ToList();
        var cache = new SenderCache();
        using var start = new Barrier(4);
        await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            Assert.True(start.SignalAndWait(TimeSpan.FromMinutes(1)));
            Assert.All(transactions, tx => Assert.NotNull(cache.Recover(tx, Rules)));
        }))).WaitAsync(TimeSpan.FromMinutes(2));
        Assert.Equal(transactions.Count, cache.Recoveries);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(40)]
    public void One_bad_signature_among_some_is_the_only_one_without_a_sender(int count)
    {
        var transactions = Enumerable.Range(0, count).Select(i => TestChain.Public(TestChain.Key(1), (ulong)i)).ToList();
        transactions[count / 2] = transactions[count / 2].WithSignature(37u + 100u, 1u, 1u);
        var recovered = new SenderCache().RecoverEach(transactions, Rules);
        Assert.Equal(transactions.Select((_, i) => i == count / 2), recovered.Select(r => r is null));
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

    [Fact]
    public void Authorities_are_recovered_once_with_the_sender_and_count_for_the_capacity()
    {
        var rules = SenderRules.For(10u, Fork.Prague);
        var cache = new SenderCache(capacity: 8);
        for (var nonce = 0ul; nonce < 5; nonce++)
        {
            var list = Enumerable.Range(2, 3).Select(k => Authorization.Sign(10u, default, 0, TestChain.Key(k))).ToList();
            var tx = new Transaction
            {
                Type = TransactionType.SetCode,
                TypedChainId = 10u,
                Nonce = nonce,
                GasLimit = 200_000,
                To = default(Address),
                AuthorizationList = list
            };
            var signed = TransactionSigner.Sign(tx, TestChain.Key(1));
            var first = cache.Recover(signed, rules)!;
            Assert.Equal(Enumerable.Range(2, 3).Select(k => (Address?)TestChain.AddressOf(TestChain.Key(k))), first.Authorities);
            Assert.Same(first.Authorities, cache.Recover(signed, rules)!.Authorities);
            Assert.Equal(first.Authorities, cache.RecoverAll([signed], rules)![0].Authorities);
        }
    }
}
