using CsCheck;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Tests.Raft;

public class SpeculativeChainTests
{
    private static Hash256 H(string name) => Keccak.Hash(System.Text.Encoding.ASCII.GetBytes(name));

    private static SpeculativeBlock Block(string name, string parent, params string[] transactions) =>
        new(H(name), H(parent), [.. transactions.Select(H)]);

    private static SpeculativeChain Three()
    {
        var chain = new SpeculativeChain(H("0"));
        chain.Extend(Block("1", "0", "a"));
        chain.Extend(Block("2", "1", "b"));
        chain.Extend(Block("3", "2", "c"));
        return chain;
    }

    [Fact]
    public void Blocks_are_built_on_each_other_without_waiting_and_their_transactions_are_marked()
    {
        var chain = Three();
        Assert.Equal((H("3"), 3), (chain.Head, chain.Count));
        Assert.True(chain.Proposed.Contains(H("a")) && chain.Proposed.Contains(H("c")));
        Assert.False(chain.Proposed.Contains(H("d")));
        Assert.Throws<InvalidOperationException>(() => chain.Extend(Block("9", "1")));
    }

    [Fact]
    public void An_accepted_block_is_the_earliest_and_its_transactions_are_unmarked()
    {
        var chain = Three();
        chain.Accept(H("1"));
        Assert.Equal((H("3"), 2), (chain.Head, chain.Count));
        Assert.False(chain.Proposed.Contains(H("a")));
        Assert.True(chain.Proposed.Contains(H("b")));
    }

    [Fact]
    public void With_nothing_proposed_the_accepted_block_is_the_head()
    {
        var chain = new SpeculativeChain(H("0"));
        chain.Accept(H("x"));
        Assert.Equal(H("x"), chain.Head);
    }

    [Fact]
    public void Another_minters_block_clears_everything()
    {
        var chain = Three();
        chain.Accept(H("x"));
        Assert.Equal((H("x"), 0, 0), (chain.Head, chain.Count, chain.ExpectedInvalidCount));
        Assert.False(chain.Proposed.Contains(H("b")));
    }

    [Fact]
    public void An_invalid_block_takes_its_descendants_back_and_they_are_expected_to_fail_too()
    {
        var chain = Three();
        chain.UnwindFrom(H("2"), H("0"));
        Assert.Equal((H("1"), 1, 1), (chain.Head, chain.Count, chain.ExpectedInvalidCount));
        Assert.True(chain.Proposed.Contains(H("a")));
        Assert.False(chain.Proposed.Contains(H("b")) || chain.Proposed.Contains(H("c")));
        // Block 3 arrives, invalid as well: expected, so what was built meanwhile stays.
        chain.Extend(Block("2b", "1", "b"));
        chain.UnwindFrom(H("3"), H("0"));
        Assert.Equal((H("2b"), 2, 0), (chain.Head, chain.Count, chain.ExpectedInvalidCount));
    }

    [Fact]
    public void Unwinding_the_first_goes_back_to_the_chains_head()
    {
        var chain = Three();
        chain.UnwindFrom(H("1"), H("elsewhere"));
        Assert.Equal((H("elsewhere"), 0, 2), (chain.Head, chain.Count, chain.ExpectedInvalidCount));
    }

    [Fact]
    public void An_invalid_block_of_another_minter_takes_all_back()
    {
        var chain = Three();
        chain.UnwindFrom(H("foreign"), H("0"));
        Assert.Equal((H("0"), 0, 3), (chain.Head, chain.Count, chain.ExpectedInvalidCount));
    }

    [Fact]
    public void A_role_change_clears()
    {
        var chain = Three();
        chain.UnwindFrom(H("3"), H("0"));
        chain.Clear(H("9"));
        Assert.Equal((H("9"), 0, 0), (chain.Head, chain.Count, chain.ExpectedInvalidCount));
    }

    /// <summary>An old minter's block comes between: the log decides, the same way on every member.</summary>
    [Fact]
    public void Two_minters_that_overlap_come_to_the_same_chain()
    {
        var (old, young) = (new SpeculativeChain(H("0")), new SpeculativeChain(H("0")));
        old.Extend(Block("1", "0", "a"));
        old.Extend(Block("2", "1", "b"));
        young.Extend(Block("1'", "0", "a"));
        old.Clear(H("0")); // it lost the leadership
        var head = H("0");
        foreach (var (name, parent) in new[] { ("1", "0"), ("1'", "0"), ("2", "1") })
        {
            var extends = H(parent) == head;
            if (extends) head = H(name);
            foreach (var chain in new[] { old, young })
            {
                if (extends) chain.Accept(H(name));
                else chain.UnwindFrom(H(name), head);
            }
        }
        Assert.Equal(H("2"), head);
        Assert.All(new[] { old, young }, c => Assert.Equal((head, 0, false), (c.Head, c.Count, c.Proposed.Contains(H("a")))));
    }

    [Fact]
    public void Marked_transactions_are_exactly_those_of_the_blocks_that_are_left() => Gen.Int[0, 5].Array[0, 40].Sample(steps =>
    {
        var chain = new SpeculativeChain(H("0"));
        var (held, next) = (new List<SpeculativeBlock>(), 0);
        foreach (var step in steps)
        {
            if (step <= 2)
            {
                var block = new SpeculativeBlock(H($"b{next}"), chain.Head, [H($"t{next++}")]);
                chain.Extend(block);
                held.Add(block);
            }
            else if (step == 3 && held.Count > 0)
            {
                chain.Accept(held[0].Hash);
                held.RemoveAt(0);
            }
            else if (held.Count > 0)
            {
                var at = held.Count / 2;
                chain.UnwindFrom(held[at].Hash, held[0].ParentHash);
                held.RemoveRange(at, held.Count - at);
            }
            if (chain.Count != held.Count) return false;
        }
        return Enumerable.Range(0, next)
            .All(i => chain.Proposed.Contains(H($"t{i}")) == held.Any(b => b.Transactions.Contains(H($"t{i}"))));
    });
}
