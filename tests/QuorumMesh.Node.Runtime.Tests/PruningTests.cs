using QuorumMesh.Chain;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

public sealed class PruningTests
{
    private const int Slots = 5_000;
    private static readonly byte[] Key = TestChain.Key(1);
    private static readonly Address Contract = Address.Parse("0x00000000000000000000000000000000000000c0");

    /// <summary>Fills slots 0 to 4,999 with the block's number.</summary>
    private static readonly byte[] Genesis = System.Text.Encoding.UTF8.GetBytes($$"""
        { "alloc": { "{{Contract}}": { "balance": "0", "code": "0x60005b43815560010180{{"61" + Slots.ToString("x4")}}11600257{{"00"}}" } },
          "config": { "chainId": 10, "homesteadBlock": 0, "eip150Block": 0, "eip155Block": 0, "eip158Block": 0, "byzantiumBlock": 0, "constantinopleBlock": 0, "isQuorum": true },
          "difficulty": "0x0", "gasLimit": "0xE0000000" }
        """);

    [Fact]
    public void Blocks_of_5000_keys_leave_no_backlog()
    {
        var node = new SoloNode(Genesis, keptPublicBlocks: 4);
        for (var block = 1ul; block <= 12; block++)
        {
            node.Mine(Fill(block - 1));
            Assert.Equal(block, node.Head);
            Assert.Equal((UInt256)block, node.Stores.Public.Head.GetStorage(Contract, Slots - 1u));
            if (block > 7) Assert.InRange(node.Stores.Public.OldestBlock, block - 7, block - 4);
        }
        Assert.InRange(Diffs(node), 4 * Slots, 7 * (Slots + 3));
    }

    [Fact]
    public void A_backlog_is_worked_off_while_blocks_come()
    {
        var node = new SoloNode(Genesis, keptPublicBlocks: null);
        for (var nonce = 0ul; nonce < 6; nonce++) node.Mine(Fill(nonce));
        Assert.Equal(0ul, node.Stores.Public.OldestBlock);

        node.KeptPublicBlocks = 1;
        node.Start();
        for (var nonce = 6ul; nonce < 20; nonce++) node.Mine(TestChain.Public(Key, nonce));
        Assert.InRange(node.Stores.Public.OldestBlock, 16ul, 19ul);
        Assert.InRange(Diffs(node), 1, 20);
    }

    private static Transaction Fill(ulong nonce) =>
        TransactionSigner.Sign(new Transaction { Nonce = nonce, GasLimit = 0x80000000, To = Contract }, Key, 10u);

    private static int Diffs(SoloNode node) => node.Store.Scan([.. "Spublic\0D"u8]).Count() + node.Store.Scan([.. "Spublic\0A"u8]).Count();
}
