using QuorumMesh.Chain.Storage;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>How accounts have made contracts: kept with each block, and looked through in stores of earlier builds.</summary>
public sealed class CreationIndexTests
{
    private static readonly byte[] First = TestChain.Key(11);
    private static readonly byte[] Second = TestChain.Key(12);

    [Fact]
    public void A_blocks_creations_go_in_the_batch_that_moves_its_head()
    {
        var node = new SoloNode();
        var differing = 0;
        node.Store.Written = (_, _) =>
        {
            if (CreationRecord.IndexedTo(node.Store) != ChainStore.GetPublicHead(node.Store)!.Value.Number) differing++;
        };
        MineSome(node);
        Assert.Equal(0, differing);
        Assert.Equal((new CreationRecord(1, 0), new CreationRecord(3, 2)), Rows(node));
        node.Start();
        node.Mine(TestChain.Public(First, 2, data: TestChain.RollingContract));
        Assert.Equal((new CreationRecord(1, 0), new CreationRecord(3, 2)), Rows(node));
        Assert.Equal(node.Head, node.Stores.Creations.IndexedTo);
        Assert.Equal(0, differing);
    }

    [Fact]
    public void A_store_of_an_earlier_build_is_looked_through_beside_the_chain()
    {
        var node = new SoloNode();
        MineSome(node);
        for (var nonce = 2UL; node.Head < 300; nonce++) node.Mine(TestChain.Public(First, nonce));
        var expected = Rows(node);
        Forget(node);
        node.Start();
        Assert.Equal(0UL, node.Stores.Creations.IndexedTo);
        Assert.True(node.Stores.Creations.BuildStep());
        var done = node.Stores.Creations.IndexedTo;
        Assert.InRange(done, 1UL, node.Head - 1);
        node.Mine(Creation(TestChain.Key(13), 0));
        Assert.Equal(default, CreationRecord.Get(node.Store, TestChain.AddressOf(TestChain.Key(13))));
        node.Start();
        Assert.Equal(done, node.Stores.Creations.IndexedTo);
        using var told = new ManualResetEventSlim();
        using (new CreationIndexBuilder(node.Stores.Creations, _ => told.Set(), e => Assert.Fail(e.Message)))
            Assert.True(told.Wait(TimeSpan.FromSeconds(60)));
        Assert.Equal(node.Head, node.Stores.Creations.IndexedTo);
        Assert.Equal(expected, Rows(node));
        Assert.Equal(new CreationRecord(0, node.Head), CreationRecord.Get(node.Store, TestChain.AddressOf(TestChain.Key(13))));
        node.Mine(Creation(TestChain.Key(14), 0));
        Assert.Equal(node.Head, node.Stores.Creations.IndexedTo);
        Assert.Equal(new CreationRecord(0, node.Head), CreationRecord.Get(node.Store, TestChain.AddressOf(TestChain.Key(14))));
    }

    [Fact]
    public void A_block_that_is_stored_while_the_last_ones_before_it_are_noted_is_noted_too()
    {
        var node = new SoloNode();
        MineSome(node);
        Forget(node);
        var index = new CreationIndex(node.Store, node.Stores.Rules);
        var next = node.Head + 1;
        // The writer's turn at the next block has begun, and what it stores is not there yet.
        index.Note(new KeyValueBatch(), next, []);
        Assert.True(index.BuildStep());
        Assert.Equal(node.Head, index.IndexedTo);
        Assert.True(index.BuildStep());
        node.Start();
        node.Mine(Creation(TestChain.Key(13), 0));
        Assert.True(index.BuildStep());
        Assert.False(index.BuildStep());
        Assert.Equal(next, index.IndexedTo);
    }

    [Fact]
    public void A_damaged_block_ends_the_look_through_and_nothing_else()
    {
        var node = new SoloNode();
        for (var nonce = 0UL; nonce < 4; nonce++) node.Mine(Creation(First, nonce));
        Forget(node);
        var batch = new KeyValueBatch();
        batch.Put([KeySpaces.Chain, (byte)'b', .. ChainStore.GetCanonicalHash(node.Store, 2)!.Value.ToArray()], [1, 2, 3]);
        node.Store.Write(batch, sync: false);
        node.Start();
        using var told = new ManualResetEventSlim();
        using (new CreationIndexBuilder(node.Stores.Creations, _ => Assert.Fail("it cannot end well"), _ => told.Set()))
            Assert.True(told.Wait(TimeSpan.FromSeconds(60)));
        Assert.Equal(0UL, node.Stores.Creations.IndexedTo);
    }

    /// <summary>Block 1: a private creation of the first account; 2: a public one of the second; 3: a private one of the second.</summary>
    private static void MineSome(SoloNode node)
    {
        node.Mine(TestChain.Private(First, 0, TestChain.RollingContract));
        node.Mine(Creation(Second, 0));
        node.Mine(TestChain.Private(Second, 1, TestChain.RollingContract));
        node.Mine(TestChain.Public(First, 1));
    }

    private static Chain.Transaction Creation(byte[] key, ulong nonce) => Chain.TransactionSigner.Sign(
        new Chain.Transaction { Nonce = nonce, GasLimit = 400_000, Data = TestChain.RollingContract }, key, 10u);

    private static (CreationRecord First, CreationRecord Second) Rows(SoloNode node) =>
        (CreationRecord.Get(node.Store, TestChain.AddressOf(First)), CreationRecord.Get(node.Store, TestChain.AddressOf(Second)));

    private static void Forget(SoloNode node)
    {
        var batch = new KeyValueBatch();
        foreach (var (key, _) in node.Store.Scan([KeySpaces.Creations]).ToList()) batch.Delete(key);
        CreationRecord.PutIndexedTo(batch, 0);
        node.Store.Write(batch, sync: false);
    }
}
