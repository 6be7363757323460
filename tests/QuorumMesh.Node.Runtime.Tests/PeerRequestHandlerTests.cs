using System.Text;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Node.Runtime.Sync;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

public sealed class PeerRequestHandlerTests
{
    private const ulong Height = 10;
    private static readonly byte[] Key = TestChain.Key(1);
    private static readonly SoloNode Node = NewNode();
    private static readonly PeerRequestHandler Handler = new(Node.Stores, static _ => true);

    [Theory]
    [InlineData(0, 4, 0ul, false, "0 1 2 3")]
    [InlineData(2, 3, 2ul, false, "2 5 8")]
    [InlineData(8, 100, 0ul, false, "8 9 10")]
    [InlineData(10, 5, 0ul, true, "10 9 8 7 6")]
    [InlineData(5, 5, 1ul, true, "5 3 1")]
    [InlineData(2, 9, 0ul, true, "2 1 0")]
    [InlineData(11, 5, 0ul, true, "")]
    [InlineData(3, 0, 0ul, false, "")]
    [InlineData(3, 5, ulong.MaxValue, false, "3")]
    [InlineData(3, 5, ulong.MaxValue, true, "3")]
    [InlineData(3, 5, ulong.MaxValue - 1, false, "3")]
    public void Headers_by_number_and_by_hash(ulong from, int amount, ulong skip, bool reverse, string expected)
    {
        Assert.Equal(expected, Numbers(Handler.GetHeaders(new HeaderQuery(null, from, amount, skip, reverse))));
        if (ChainStore.GetCanonicalHash(Node.Store, from) is { } hash)
            Assert.Equal(expected, Numbers(Handler.GetHeaders(new HeaderQuery(hash, 0, amount, skip, reverse))));
    }

    [Fact]
    public void Unknown_origin_gives_nothing() =>
        Assert.Empty(Handler.GetHeaders(new HeaderQuery(Keccak.Hash([1]), 0, 5, 0, false)));

    [Fact]
    public void Bodies_in_the_order_asked_unknown_ones_left_out()
    {
        Hash256[] asked = [HashAt(3), Keccak.Hash([9]), HashAt(1), HashAt(0)];
        var bodies = Handler.GetBodies(asked);
        Assert.Equal(3, bodies.Count);
        Assert.Equal(ChainStore.GetBlock(Node.Store, 3)!.Transactions[0].Hash, Block.DecodeBody(bodies[0])[0].Hash);
        Assert.Equal(ChainStore.GetBlock(Node.Store, 1)!.Transactions[0].Hash, Block.DecodeBody(bodies[1])[0].Hash);
        Assert.Empty(Block.DecodeBody(bodies[2]));
    }

    [Fact]
    public void Passes_on_what_is_signed_and_drops_the_rest()
    {
        var posted = new List<NodeInput>();
        var handler = new PeerRequestHandler(Node.Stores, input =>
        {
            posted.Add(input);
            return true;
        });
        var good = TestChain.Public(Key, 100);
        handler.OnTransactions("peer", [new byte[] { 1, 2 }, good.Encode(), good.WithSignature(999u, 1u, 1u).Encode(), new byte[200_000]]);
        Assert.Equal([good.Hash], Assert.IsType<NodeInput.PeerTransactions>(Assert.Single(posted)).Transactions.Select(t => t.Tx.Hash));
        handler.OnTransactions("peer", [new byte[] { 0xc0 }]);
        Assert.Single(posted);
    }

    [Fact]
    public void What_a_full_mailbox_drops_is_asked_for_again_when_it_is_announced()
    {
        var isFull = true;
        var handler = new PeerRequestHandler(Node.Stores, _ => !isFull);
        var transaction = TestChain.Public(Key, 101);
        handler.OnTransactions("peer", [transaction.Encode()]);
        Assert.Equal([transaction.Hash], handler.UnknownOf([transaction.Hash]));
        isFull = false;
        handler.OnTransactions("peer", [transaction.Encode()]);
        Assert.Empty(handler.UnknownOf([transaction.Hash]));
    }

    [Fact]
    public void Passes_a_new_type_on_before_the_first_block_of_its_fork()
    {
        var posted = new List<NodeInput>();
        var handler = new PeerRequestHandler(new SoloNode(BerlinAtBlock(1)).Stores, input =>
        {
            posted.Add(input);
            return true;
        });
        var typed = TransactionSigner.Sign(
            new Transaction
            {
                Type = TransactionType.AccessList,
                TypedChainId = 10u,
                GasLimit = 200_000,
                To = Address.Parse("0x00000000000000000000000000000000000000aa")
            }, Key);
        handler.OnTransactions("peer", [typed.Encode()]);
        Assert.Equal([typed.Hash], Assert.IsType<NodeInput.PeerTransactions>(Assert.Single(posted)).Transactions.Select(t => t.Tx.Hash));

        posted.Clear();
        new PeerRequestHandler(new SoloNode(BerlinAtBlock(2)).Stores, input =>
        {
            posted.Add(input);
            return true;
        }).OnTransactions("peer", [typed.Encode()]);
        Assert.Empty(posted);
    }

    private static byte[] BerlinAtBlock(int number) => Encoding.UTF8.GetBytes($$"""
        { "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0, "byzantiumBlock": 0, "constantinopleBlock": 0, "petersburgBlock": 0,
                      "istanbulBlock": 0, "berlinBlock": {{number}}, "isQuorum": true },
          "alloc": {}, "difficulty": "0x0", "gasLimit": "0xE0000000" }
        """);

    private static Hash256 HashAt(ulong number) => ChainStore.GetCanonicalHash(Node.Store, number)!.Value;

    private static string Numbers(IReadOnlyList<byte[]> headers) => string.Join(' ', headers.Select(h => BlockHeader.Decode(h).Number));

    private static SoloNode NewNode()
    {
        var node = new SoloNode();
        for (var nonce = 0ul; nonce < Height; nonce++) node.Mine(TestChain.Public(Key, nonce));
        return node;
    }
}
