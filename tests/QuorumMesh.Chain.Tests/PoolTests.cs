using CsCheck;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Pool;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Tests;

public sealed class PoolTests
{
    private static readonly DateTimeOffset Start = DateTimeOffset.UnixEpoch.AddYears(50);
    private static readonly ChainConfig Config = new()
    {
        ChainId = 10u,
        IsQuorum = true,
        HomesteadBlock = 0,
        Eip150Block = 0,
        Eip155Block = 0,
        Eip158Block = 0,
        ByzantiumBlock = 0,
        ConstantinopleBlock = 0,
        TxnSizeLimitKb = 32,
    };

    private readonly Dictionary<Address, ulong> _nonces = [];

    [Fact]
    public void Refusals_have_GoQuorums_words()
    {
        var pool = NewPool();
        string? Error(Transaction tx) => pool.Add(new RecoveredTransaction(tx, Sender(1)), false, Start).Error;
        _nonces[Sender(1)] = 3;

        Assert.Equal("oversized data", Error(new Transaction { Nonce = 3, GasLimit = 21000, To = Sender(2), Data = new byte[33 * 1024] }));
        Assert.Equal("Gas price not 0", Error(new Transaction { Nonce = 3, GasLimit = 21000, To = Sender(2), GasPrice = UInt256.One }));
        Assert.Equal("exceeds block gas limit", Error(new Transaction { Nonce = 3, GasLimit = 700_000_001, To = Sender(2) }));
        Assert.Equal("ether value is not supported for private transactions",
            Error(new Transaction { Nonce = 3, GasLimit = 90000, To = Sender(2), V = 37u, Value = UInt256.One, Data = new byte[64] }));
        Assert.Equal("ether value is not supported for private transactions",
            Error(new Transaction { Nonce = 3, GasLimit = 90000, V = 38u }));
        Assert.Equal("nonce too low", Error(new Transaction { Nonce = 2, GasLimit = 21000, To = Sender(2) }));
        Assert.Equal("insufficient funds for gas * price + value",
            Error(new Transaction { Nonce = 3, GasLimit = 21000, To = Sender(2), Value = UInt256.MaxValue }));
        Assert.Equal("intrinsic gas too low", Error(new Transaction { Nonce = 3, GasLimit = 20999, To = Sender(2) }));
        Assert.Equal("intrinsic gas too low", Error(new Transaction { Nonce = 3, GasLimit = 53000, V = 37u, Data = [1] }));
        Assert.Equal(0, pool.Count);

        var tx = new Transaction { Nonce = 3, GasLimit = 21000, To = Sender(2) };
        Assert.Null(Error(tx));
        Assert.Equal($"known transaction: {tx.Hash.ToString()[2..]}", Error(tx));
        Assert.Equal("replacement transaction underpriced", Error(new Transaction { Nonce = 3, GasLimit = 22000, To = Sender(2) }));
    }

    [Fact]
    public void Gaps_wait_and_close()
    {
        var pool = NewPool();
        Assert.Equal([PoolEventKind.Added], Kinds(pool.Add(Tx(1, 2), false, Start)));
        Assert.Equal([PoolEventKind.Added], Kinds(pool.Add(Tx(1, 1), false, Start)));
        Assert.Equal((0, 2), (pool.PendingCount, pool.QueuedCount));
        Assert.Equal([PoolEventKind.Added, PoolEventKind.Promoted, PoolEventKind.Promoted, PoolEventKind.Promoted],
            Kinds(pool.Add(Tx(1, 0), false, Start)));
        Assert.Equal(3ul, pool.NextNonce(Sender(1)));
        Assert.Equal([0ul, 1, 2], Drain(pool.Ready()).Select(t => t.Tx.Nonce));
    }

    [Fact]
    public void Order_is_by_arrival_within_nonce_order()
    {
        var pool = NewPool();
        foreach (var (sender, nonce) in new[] { (1, 0ul), (2, 0ul), (1, 1ul), (3, 1ul), (3, 0ul), (2, 1ul) })
            pool.Add(Tx(sender, nonce), false, Start);
        Assert.Equal([(1, 0ul), (2, 0ul), (1, 1ul), (3, 0ul), (3, 1ul), (2, 1ul)],
            Drain(pool.Ready()).Select(t => (Number(t.Sender), t.Tx.Nonce)));

        var popped = pool.Ready();
        popped.Pop();
        Assert.Equal([(2, 0ul), (3, 0ul), (3, 1ul), (2, 1ul)], Drain(popped).Select(t => (Number(t.Sender), t.Tx.Nonce)));
        Assert.Equal([(1, 1ul), (3, 0ul), (3, 1ul), (2, 1ul)],
            Drain(pool.Ready(t => t.Tx.Nonce == 0 && Number(t.Sender) < 3)).Select(t => (Number(t.Sender), t.Tx.Nonce)));
    }

    [Fact]
    public void Mined_transactions_leave_and_stale_ones_are_dropped()
    {
        var pool = NewPool();
        var mine = Tx(1, 0);
        pool.Add(mine, true, Start);
        pool.Add(Tx(1, 1), false, Start);
        pool.Add(Tx(1, 2), false, Start);
        pool.Add(Tx(1, 9), false, Start);
        Assert.Equal([mine], pool.Local);

        _nonces[Sender(1)] = 2;
        var events = pool.SetHead(Head(), [mine, Tx(1, 1, gas: 30000)]);
        Assert.Equal([PoolEventKind.Mined, PoolEventKind.Dropped], events.Select(e => e.Kind));
        Assert.Empty(pool.Local);
        Assert.Equal((1, 1), (pool.PendingCount, pool.QueuedCount));

        _nonces[Sender(1)] = 0;
        pool.RecheckAll(Head());
        Assert.Equal((0, 2), (pool.PendingCount, pool.QueuedCount));
        Assert.Empty(Drain(pool.Ready()));
    }

    [Fact]
    public void Invalid_one_opens_a_gap()
    {
        var pool = NewPool();
        var bad = Tx(1, 1);
        foreach (var tx in new[] { Tx(1, 0), bad, Tx(1, 2) })
            pool.Add(tx, false, Start);
        Assert.Equal([PoolEventKind.Dropped, PoolEventKind.Demoted], pool.Remove(bad.Tx.Hash, "insufficient funds").Select(e => e.Kind));
        Assert.Equal((1, 1), (pool.PendingCount, pool.QueuedCount));
        Assert.Equal([PoolEventKind.Added, PoolEventKind.Promoted, PoolEventKind.Promoted], Kinds(pool.Add(bad, false, Start)));
    }

    [Fact]
    public void What_no_block_can_take_any_more_is_dropped()
    {
        var pool = NewPool();
        foreach (var tx in new[] { Tx(1, 0, gas: 700_000_000), Tx(1, 1), Tx(2, 0), Tx(2, 5, gas: 699_999_999), Tx(3, 0, gas: 699_999_998) })
            Assert.Null(pool.Add(tx, isLocal: true, Start).Error);

        Assert.Empty(pool.SetHead(Head(), []));
        var events = pool.SetHead(Head(699_999_999), []);
        Assert.Equal([(PoolEventKind.Dropped, 0ul, "exceeds block gas limit"), (PoolEventKind.Demoted, 1ul, null)],
            events.Select(e => (e.Kind, e.Transaction.Tx.Nonce, e.Reason)));
        Assert.Equal((2, 2), (pool.PendingCount, pool.QueuedCount));
        Assert.Equal(4, pool.Local.Count());

        Assert.Equal([(PoolEventKind.Dropped, 5ul)], pool.SetHead(Head(699_999_998), []).Select(e => (e.Kind, e.Transaction.Tx.Nonce)));
        Assert.Equal([PoolEventKind.Added, PoolEventKind.Promoted, PoolEventKind.Promoted], Kinds(pool.Add(Tx(1, 0), true, Start)));
        Assert.Equal([2, 3, 1, 1], Drain(pool.Ready()).Select(t => Number(t.Sender)));
    }

    [Fact]
    public void Mined_at_the_gas_limit_is_mined_whatever_the_limit_is_now()
    {
        var pool = NewPool();
        var mine = Tx(1, 0, gas: 700_000_000);
        pool.Add(mine, true, Start);
        pool.Add(Tx(1, 1, gas: 700_000_000), true, Start);
        _nonces[Sender(1)] = 1;
        Assert.Equal([(PoolEventKind.Mined, 0ul), (PoolEventKind.Dropped, 1ul)],
            pool.SetHead(Head(600_000_000), [mine]).Select(e => (e.Kind, e.Transaction.Tx.Nonce)));
        Assert.Equal(0, pool.Count);
    }

    [Fact]
    public void Large_ones_are_still_found_after_many_have_left()
    {
        var pool = NewPool();
        foreach (var tx in new[] { Tx(2, 0, gas: 600_000_000), Tx(3, 0, gas: 500_000_000) })
            pool.Add(tx, false, Start);
        for (ulong n = 0; n < 3000; n++)
        {
            var tx = Tx(1, n, gas: 21000 + n);
            pool.Add(tx, false, Start);
            _nonces[Sender(1)] = n + 1;
            pool.SetHead(Head(), [tx]);
        }
        Assert.Equal([2], pool.SetHead(Head(550_000_000), []).Select(e => Number(e.Transaction.Sender)));
        Assert.Equal([3], pool.SetHead(Head(450_000_000), []).Select(e => Number(e.Transaction.Sender)));
    }

    [Fact]
    public void Slots_are_a_guarantee_under_pressure_not_a_cap()
    {
        var pool = NewPool(new TransactionPoolOptions { AccountSlots = 4, GlobalSlots = 40, GlobalQueue = 10, AccountQueue = 5 });
        for (ulong n = 0; n < 40; n++)
            Assert.Null(pool.Add(Tx(1, n), false, Start).Error);
        Assert.Equal("transaction underpriced", pool.Add(Tx(1, 40), false, Start).Error);

        for (ulong n = 0; n < 4; n++)
        {
            var result = pool.Add(Tx(2, n), false, Start);
            Assert.Contains(result.Events, e => e.Kind == PoolEventKind.Dropped && Number(e.Transaction.Sender) == 1);
        }
        Assert.Equal(40, pool.PendingCount);
        Assert.Equal((36ul, 4ul), (pool.NextNonce(Sender(1)), pool.NextNonce(Sender(2))));

        // Local senders are exempt, and do not count.
        for (ulong n = 0; n < 100; n++)
            Assert.Null(pool.Add(Tx(3, n), true, Start).Error);
        Assert.Equal((140, 36ul), (pool.PendingCount, pool.NextNonce(Sender(1))));
        Assert.Equal(100, pool.Local.Count());
    }

    [Fact]
    public void Queue_has_bounds_for_strangers_only()
    {
        var pool = NewPool(new TransactionPoolOptions { AccountQueue = 3, GlobalQueue = 5 });
        for (ulong n = 10; n < 13; n++)
            Assert.Null(pool.Add(Tx(1, n), false, Start).Error);
        Assert.NotNull(pool.Add(Tx(1, 13), false, Start).Error);
        Assert.Contains(pool.Add(Tx(1, 5), false, Start).Events, e => e.Kind == PoolEventKind.Dropped && e.Transaction.Tx.Nonce == 12);
        Assert.Null(pool.Add(Tx(2, 5), false, Start).Error);
        Assert.Null(pool.Add(Tx(2, 6), false, Start).Error);
        Assert.NotNull(pool.Add(Tx(3, 6), false, Start).Error);
        Assert.Null(pool.Add(Tx(4, 6), true, Start).Error);

        Assert.Empty(pool.Expire(Start.AddHours(3)));
        Assert.Equal(5, pool.Expire(Start.AddHours(3).AddSeconds(1)).Count);
        Assert.Equal(1, pool.Count);
    }

    [Fact]
    public void Everything_together_has_a_bound()
    {
        var pool = NewPool(new TransactionPoolOptions { MaxTransactions = 2 });
        pool.Add(Tx(1, 0), true, Start);
        pool.Add(Tx(1, 1), true, Start);
        Assert.Equal("txpool is full", pool.Add(Tx(1, 2), true, Start).Error);
    }

    [Fact]
    public void Hundred_thousand_transactions_in_blocks_of_a_thousand()
    {
        var pool = NewPool(new TransactionPoolOptions { GlobalSlots = 200_000 });
        for (ulong n = 0; n < 1000; n++)
        {
            for (var s = 1; s <= 100; s++)
                Assert.Null(pool.Add(Tx(s, n), false, Start).Error);
        }
        Assert.Equal(100_000, pool.PendingCount);
        var mined = 0;
        while (pool.Count > 0)
        {
            var block = Drain(pool.Ready(), 1000);
            foreach (var transaction in block)
                _nonces[transaction.Sender] = transaction.Tx.Nonce + 1;
            Assert.All(pool.SetHead(Head(), block), e => Assert.Equal(PoolEventKind.Mined, e.Kind));
            mined += block.Count;
        }
        Assert.Equal(100_000, mined);
        Assert.Empty(pool.Content());
    }

    [Fact]
    public void Counts_agree_after_random_operations() =>
        Gen.Select(Gen.Int[0, 6], Gen.Int[1, 4], Gen.ULong[0, 12]).Array[0, 80].Sample(RunRandomly, iter: 300);

    private static void RunRandomly((int Kind, int Sender, ulong Nonce)[] steps)
    {
        var test = new PoolTests();
        var pool = test.NewPool(new TransactionPoolOptions { AccountSlots = 2, GlobalSlots = 8, AccountQueue = 3, GlobalQueue = 6 });
        var limit = 21012ul;
        foreach (var (kind, sender, nonce) in steps)
        {
            var tx = Tx(sender, nonce, gas: 21000 + nonce);
            if (kind <= 3)
                pool.Add(tx, kind == 3, Start);
            else if (kind == 4)
                pool.Remove(tx.Tx.Hash, "test");
            else if (kind == 6)
                pool.SetHead(test.Head(limit = tx.Tx.GasLimit), []);
            else
            {
                var mined = Drain(pool.Ready(), (int)nonce);
                foreach (var transaction in mined)
                    test._nonces[transaction.Sender] = transaction.Tx.Nonce + 1;
                pool.SetHead(test.Head(limit), mined);
            }
            var content = pool.Content().ToList();
            Assert.Equal(pool.PendingCount, content.Sum(c => c.Pending.Count));
            Assert.Equal(pool.QueuedCount, content.Sum(c => c.Queued.Count));
            Assert.Equal(pool.PendingCount, Drain(pool.Ready()).Count);
            foreach (var (address, pending, queued) in content)
            {
                var first = test._nonces.GetValueOrDefault(address);
                Assert.Equal(Enumerable.Range(0, pending.Count).Select(i => first + (ulong)i), pending.Select(p => p.Tx.Nonce));
                Assert.All(queued, q => Assert.True(q.Tx.Nonce >= first + (ulong)pending.Count));
                Assert.All(pending.Concat(queued), t => Assert.True(t.Tx.GasLimit <= limit));
            }
        }
    }

    private TransactionPool NewPool(TransactionPoolOptions? options = null) => new(Config, CompatibilityProfile.V2_5, Head(), options);

    private PoolHead Head(ulong gasLimit = 700_000_000) => new(1, gasLimit, a => (_nonces.GetValueOrDefault(a), 1_000_000u));

    private static Address Sender(int number)
    {
        var bytes = new byte[Address.Size];
        bytes[19] = (byte)number;
        return new Address(bytes);
    }

    private static int Number(Address sender) => sender.ToArray()[19];

    /// <summary>The pool never looks at signatures; the sender's number in R keeps hashes apart.</summary>
    private static RecoveredTransaction Tx(int sender, ulong nonce, ulong gas = 21000) =>
        new(new Transaction { Nonce = nonce, GasLimit = gas, To = default(Address), V = 27u, R = (UInt256)(ulong)sender }, Sender(sender));

    private static IEnumerable<PoolEventKind> Kinds(PoolAddResult result)
    {
        Assert.Null(result.Error);
        return result.Events.Select(e => e.Kind);
    }

    private static List<RecoveredTransaction> Drain(ITransactionSource source, int most = int.MaxValue)
    {
        var taken = new List<RecoveredTransaction>();
        while (taken.Count < most && source.Peek() is { } next)
        {
            taken.Add(next);
            source.Shift();
        }
        return taken;
    }
}
