using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Network.Tests.Sync;

/// <summary>Whole nodes over loopback: one follows, the others serve.</summary>
public class LongSyncTests
{
    private const ulong Height = 3_000;

    private static readonly Lazy<IbftTestChain> Long = new(() => NewChain(Height));

    [Fact]
    public async Task Thousands_of_blocks_come_from_two_peers_of_which_one_sends_wrong_bodies()
    {
        var chain = Long.Value;
        await using var follower = new ChainNode(IbftTestChain.Open(new MemoryKeyValueStore()), follows: true);
        await using var honest = new ChainNode(chain.Stores, follows: false);
        var served = 0;
        await using var liar = new ChainNode(chain.Stores, follows: false, handler => new ScriptedHandler(handler)
        {
            Bodies = bodies => ++served < 4 ? bodies : [.. bodies.Select(_ => chain.BlockAt(3).EncodeBody())],
        });
        follower.Server.AddStaticPeer(honest.Server.Self);
        follower.Server.AddStaticPeer(liar.Server.Self);
        await TestNode.Until(() => follower.Height == Height, "synced", seconds: 180);
        Assert.Equal(chain.Head.Hash, IbftTestChain.HeadOf(follower.Stores));
        Assert.Equal(chain.Head.StateRoot, follower.Stores.Public.Head.Root);
        await TestNode.Until(() => served < 4 || !follower.HasPeer(liar), "the liar is gone");
        Assert.True(follower.HasPeer(honest));
    }

    [Fact]
    public async Task A_peer_that_sends_an_unsealed_chain_first_does_not_keep_the_node_from_the_right_one()
    {
        var chain = NewChain(300);
        await using var follower = new ChainNode(IbftTestChain.Open(new MemoryKeyValueStore()), follows: true);
        await using var liar = new ChainNode(chain.Stores, follows: false, handler => new ScriptedHandler(handler)
        {
            Headers = headers => [.. headers.Select(raw => BlockHeader.Decode(raw) is { Number: > 40 } header
                ? IbftTestChain.WithSeals(header).Encode() : raw)],
        });
        follower.Server.AddStaticPeer(liar.Server.Self);
        await TestNode.Until(() => follower.Height == 40 && !follower.HasPeer(liar), "the liar is gone");
        await using var honest = new ChainNode(chain.Stores, follows: false);
        follower.Server.AddStaticPeer(honest.Server.Self);
        await TestNode.Until(() => follower.Height == 300, "synced");
    }

    /// <summary>
    /// One falls silent for good after some answers, the other takes its time and gives two headers, or one body, at a time.
    /// </summary>
    [Fact]
    public async Task Peers_that_stall_hold_nobody_up_who_has_another_one()
    {
        const ulong height = 600;
        var chain = NewChain(height);
        using var ended = new ManualResetEventSlim();
        var (answers, drops) = (0, 0);
        await using var follower = new ChainNode(IbftTestChain.Open(new MemoryKeyValueStore()), follows: true);
        await using var silent = new ChainNode(chain.Stores, follows: false, handler => new ScriptedHandler(handler)
        {
            Headers = headers => Interlocked.Increment(ref answers) < 4 || ended.Wait(TimeSpan.FromMinutes(1)) ? headers : [],
            Bodies = bodies => Interlocked.Increment(ref answers) < 4 || ended.Wait(TimeSpan.FromMinutes(1)) ? bodies : [],
        });
        await using var slow = new ChainNode(chain.Stores, follows: false, handler => new ScriptedHandler(handler)
        {
            Headers = headers => Late(headers, 2),
            Bodies = bodies => Late(bodies, 1),
        });
        follower.Server.AddStaticPeer(silent.Server.Self);
        follower.Server.AddStaticPeer(slow.Server.Self);
        await TestNode.Until(() => follower.HasPeer(silent) && follower.HasPeer(slow), "connected");
        await using var honest = new ChainNode(chain.Stores, follows: false);
        follower.Server.AddStaticPeer(honest.Server.Self);
        await TestNode.Until(() => follower.Height == height, "synced", seconds: 180);
        Assert.Equal(chain.Head.Hash, IbftTestChain.HeadOf(follower.Stores));
        Assert.True(follower.HasPeer(honest));
        // At two headers an answer the chain would need 600 of them.
        Assert.True(drops < 150, $"{drops} answers of the slow one");
        ended.Set();

        IReadOnlyList<byte[]> Late(IReadOnlyList<byte[]> items, int count)
        {
            Interlocked.Increment(ref drops);
            ended.Wait(TimeSpan.FromMilliseconds(300));
            return [.. items.Take(count)];
        }
    }

    [Fact]
    public async Task A_node_that_is_started_again_in_the_middle_goes_on()
    {
        var chain = NewChain(600);
        var store = new MemoryKeyValueStore();
        await using var honest = new ChainNode(chain.Stores, follows: false);
        await using (var follower = new ChainNode(IbftTestChain.Open(store), follows: true))
        {
            follower.Server.AddStaticPeer(honest.Server.Self);
            await TestNode.Until(() => follower.Height > 0, "begun");
        }
        await using var again = new ChainNode(IbftTestChain.Open(store), follows: true);
        again.Server.AddStaticPeer(honest.Server.Self);
        await TestNode.Until(() => again.Height == 600, "synced");
    }

    [Fact]
    public async Task A_new_block_travels_on_through_a_node_that_follows()
    {
        var chain = NewChain(20);
        await using var source = new ChainNode(chain.Stores, follows: false);
        await using var middle = new ChainNode(IbftTestChain.Open(new MemoryKeyValueStore()), follows: true);
        await using var last = new ChainNode(IbftTestChain.Open(new MemoryKeyValueStore()), follows: true);
        middle.Server.AddStaticPeer(source.Server.Self);
        last.Server.AddStaticPeer(middle.Server.Self);
        await TestNode.Until(() => middle.Height == 20, "the middle one is at the head");
        await TestNode.Until(() => last.HasPeer(middle), "connected");
        var block = chain.Mine();
        source.Server.BroadcastBlock(
            block.Hash, block.Number, block.Encode(), ChainStore.GetTotalDifficulty(chain.Stores.KeyValues, block.Hash)!.Value);
        await TestNode.Until(() => last.Height == 21, "the last one has it");
        Assert.Equal(block.Hash, IbftTestChain.HeadOf(last.Stores));
    }

    private static IbftTestChain NewChain(ulong height)
    {
        var (chain, key, nonce) = (new IbftTestChain(), TestChain.Key(9), 0ul);
        for (var number = 1ul; number <= height; number++)
            chain.Mine(transactions: number % 3 == 0 ? [TestChain.Public(key, nonce++), TestChain.Public(key, nonce++)] : []);
        return chain;
    }
}
