using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Enclave.Core.Tests;

public class SharedKeyCacheTests
{
    [Fact]
    public async Task A_key_that_was_computed_while_the_cache_was_cleared_does_not_come_back_into_it()
    {
        using var cache = new SharedKeyCache(16);
        using var own = Samples.SenderPair();
        for (var i = 0; i < 200; i++)
        {
            var misses = cache.Misses;
            var get = Task.Run(() => cache.Get(own, Samples.Recipient, new byte[NaClBox.KeySize]));
            // Whether it still computes or is done: what began before the clearing is not held after it.
            SpinWait.SpinUntil(() => cache.Misses > misses);
            cache.Clear();
            await get;
            Assert.Equal(0, cache.Count);
        }

        cache.Get(own, Samples.Recipient, new byte[NaClBox.KeySize]);
        Assert.Equal(1, cache.Count);
    }
}
