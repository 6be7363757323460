using QuorumMesh.Consensus.Raft;
using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Tests.Raft;

public class RaftMintingTests
{
    private static readonly TimeSpan BlockTime = TimeSpan.FromMilliseconds(50);

    private static Hash256 H(string name) => Keccak.Hash(System.Text.Encoding.ASCII.GetBytes(name));

    private static SpeculativeBlock Block(string name, string parent, string tx) => new(H(name), H(parent), [H(tx)]);

    private static TimeSpan At(int ms) => TimeSpan.FromMilliseconds(ms);

    [Fact]
    public void Only_the_leader_mints_at_once_when_idle_and_a_block_time_apart_under_load()
    {
        var minting = new RaftMinting(BlockTime, H("0"));
        Assert.Null(minting.DelayBeforeMint(At(0)));
        Assert.True(minting.SetRole(true, H("0")));
        Assert.False(minting.SetRole(true, H("0")));
        Assert.Equal(TimeSpan.Zero, minting.DelayBeforeMint(At(0)));
        minting.Minted(Block("1", "0", "a"), At(1000));
        Assert.Equal(At(40), minting.DelayBeforeMint(At(1010)));
        Assert.Equal(TimeSpan.Zero, minting.DelayBeforeMint(At(1050)));
        Assert.Equal(TimeSpan.Zero, minting.DelayBeforeMint(At(9000)));
    }

    [Fact]
    public void An_empty_block_is_never_minted()
    {
        var minting = new RaftMinting(BlockTime, H("0"));
        Assert.Throws<InvalidOperationException>(() => minting.Minted(new SpeculativeBlock(H("1"), H("0"), []), At(0)));
    }

    [Theory]
    [InlineData(true, "x", RaftBlockVerdict.Known)]
    [InlineData(false, "0", RaftBlockVerdict.Extends)]
    [InlineData(false, "x", RaftBlockVerdict.InvalidOrdering)]
    public void A_committed_block_is_judged_by_its_parent(bool known, string parent, RaftBlockVerdict expected) =>
        Assert.Equal(expected, RaftMinting.Judge(known, H(parent), H("0")));

    /// <summary>An old minter's block comes between: the log decides, the same way on every member.</summary>
    [Fact]
    public void Two_minters_that_overlap_come_to_the_same_chain()
    {
        var (old, young) = (new RaftMinting(BlockTime, H("0")), new RaftMinting(BlockTime, H("0")));
        old.SetRole(true, H("0"));
        old.Minted(Block("1", "0", "a"), At(0));
        old.Minted(Block("2", "1", "b"), At(50));
        young.SetRole(true, H("0"));
        young.Minted(Block("1'", "0", "a"), At(60));
        old.SetRole(false, H("0"));
        var head = H("0");
        // The log: 1, 1', 2.
        foreach (var (name, parent) in new[] { ("1", "0"), ("1'", "0"), ("2", "1") })
        {
            var verdict = RaftMinting.Judge(false, H(parent), head);
            if (verdict == RaftBlockVerdict.Extends) head = H(name);
            old.Committed(verdict, H(name), head);
            young.Committed(verdict, H(name), head);
        }
        Assert.Equal(H("2"), head);
        Assert.Equal((head, 0), (old.Chain.Head, old.Chain.Count));
        Assert.Equal((head, 0), (young.Chain.Head, young.Chain.Count));
        Assert.False(young.Chain.IsProposed(H("a")));
    }

    [Fact]
    public void A_dropped_proposal_frees_its_transactions()
    {
        var minting = new RaftMinting(BlockTime, H("0"));
        minting.SetRole(true, H("0"));
        minting.Minted(Block("1", "0", "a"), At(0));
        minting.Minted(Block("2", "1", "b"), At(50));
        minting.ProposalDropped(H("2"), H("0"));
        Assert.False(minting.Chain.IsProposed(H("b")));
        Assert.True(minting.Chain.IsProposed(H("a")));
        Assert.Equal((H("1"), 0), (minting.Chain.Head, minting.Chain.ExpectedInvalidCount));
    }
}
