using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

public sealed class ReadAheadTests
{
    private const int Senders = 25;

    [Fact]
    public void Accounts_of_what_a_pass_brings_are_read_together()
    {
        var node = new SoloNode();
        var read = CountedReads(node.Store);
        var (sent, heard) = (Transactions(0), Transactions(Senders));
        var recovered = node.Stores.Senders.RecoverAll(heard, node.Stores.Rules.SenderRulesAt(1))!;
        node.Step([.. sent.Select(t => node.Local(t).Input), new NodeInput.PeerTransactions(recovered)]);
        Assert.Equal(4 * Senders, read[0]);
        read.Clear();
        node.After(SoloNode.BlockTime);
        Assert.Equal(2 * Senders, ChainStore.GetBlock(node.Store, 1)!.Transactions.Count);
        Assert.DoesNotContain(read, keys => keys > Senders); // the block found them in memory
    }

    [Fact]
    public void A_block_from_elsewhere_reads_its_accounts_together_and_comes_to_the_same_root()
    {
        var chain = new SoloNode();
        chain.Mine(Transactions(0));
        var block = ChainStore.GetBlock(chain.Store, 1)!;
        var node = new MemberNode();
        var read = CountedReads(node.Store);
        node.Step(node.CommittedBlocks(2, block));
        Assert.Equal(block.Hash, node.Core.Head.Hash);
        Assert.Contains(2 * Senders, read);
    }

    /// <summary>Filled with how many keys were read together each time.</summary>
    private static List<int> CountedReads(RecordingStore store)
    {
        var read = new List<int>();
        store.ReadTogether = keys =>
        {
            lock (read) read.Add(keys);
        };
        return read;
    }

    /// <summary>Each from and to another account.</summary>
    private static Transaction[] Transactions(int first) => [.. Enumerable.Range(first, Senders)
        .Select(i => TestChain.Public(TestChain.Key(1_000 + i), 0, Address.FromWord((UInt256)(0x5000 + i))))];
}
