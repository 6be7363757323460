using CsCheck;
using QuorumMesh.Primitives;
using QuorumMesh.State.Store;
using QuorumMesh.Tests;

namespace QuorumMesh.State.Tests;

public class FlatCacheTests
{
    [Fact]
    public void What_is_found_is_what_was_set_last() =>
        Gen.Select(Gen.Int[1, 20], Gen.Select(Gen.Int[0, 2], Gen.Int[0, 40], Gen.Int).Array[0, 400]).Sample((limit, steps) =>
    {
        var cache = new ClockCache<int, int>(limit);
        var model = new Dictionary<int, int>();
        foreach (var (kind, key, value) in steps)
        {
            if (kind == 0)
            {
                cache.Set(key, value);
                model[key] = value;
                Assert.True(cache.TryGet(key, out var found) && found == value);
            }
            else if (kind == 1 && cache.TryUpdate(key, value))
            {
                model[key] = value;
            }

            Assert.True(!cache.TryGet(key, out var present) || present == model[key]);
            Assert.InRange(cache.Count, 0, limit);
            // Nothing goes before there is need.
            if (model.Count <= limit) Assert.All(model, e => Assert.True(cache.TryGet(e.Key, out var v) && v == e.Value));
        }
    }, iter: 300);

    [Fact]
    public void Keys_used_in_turn_that_do_not_quite_fit_are_mostly_found()
    {
        var cache = new ClockCache<int, int>(900);
        var found = 0;
        for (var i = 0; i < 20_000; i++)
        {
            if (cache.TryGet(i % 1000, out _)) found++;
            else cache.Set(i % 1000, i);
        }

        Assert.InRange(found, 10_000, 20_000);
    }

    [Fact]
    public void What_is_used_stays()
    {
        var cache = new ClockCache<int, int>(100);
        for (var i = 0; i < 10_000; i++)
        {
            cache.Set(1_000 + i, i);
            if (i >= 90) continue;
            cache.Set(i % 10, i);
        }

        for (var i = 0; i < 1_000; i++)
        {
            for (var hot = 0; hot < 10; hot++)
            {
                if (!cache.TryGet(hot, out _)) cache.Set(hot, hot);
            }

            cache.Set(20_000 + i, i);
        }

        Assert.All(Enumerable.Range(0, 10), hot => Assert.True(cache.TryGet(hot, out _)));
    }

    [Fact]
    public void Accounts_of_each_kind_come_back_as_they_were()
    {
        var cache = new AccountCache(8);
        Account?[] kinds =
        [
            null, Account.Empty, new Account(ulong.MaxValue, UInt256.MaxValue, Hash256.EmptyTrie, Hash256.EmptyCode),
            new Account(1, 2u, Keccak.Hash([1]), Hash256.EmptyCode), new Account(0, 0u, Hash256.EmptyTrie, Keccak.Hash([2])),
        ];
        var address = Address.FromWord(1u);
        foreach (var before in kinds)
        {
            foreach (var after in kinds)
            {
                cache.Set(address, before);
                cache.Set(address, after);
                Assert.True(cache.TryGet(address, out var found));
                Assert.Equal(after, found);
            }
        }
    }

    [Fact]
    public void A_contract_that_had_to_go_is_read_again()
    {
        var cache = new AccountCache(8);
        var contract = new Account(1, 2u, Keccak.Hash([1]), Keccak.Hash([2]));
        for (uint i = 0; i < 8; i++)
            cache.Set(Address.FromWord(i), contract with { Nonce = i });
        var found = 0;
        for (uint i = 0; i < 8; i++)
        {
            if (!cache.TryGet(Address.FromWord(i), out var account)) continue;
            Assert.Equal(contract with { Nonce = i }, account);
            found++;
        }

        Assert.Equal(2, found);
    }
}
