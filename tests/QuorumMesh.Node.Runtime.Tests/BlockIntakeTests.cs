using QuorumMesh.Node.Runtime.Raft;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Tests;

public sealed class BlockIntakeTests
{
    [Fact]
    public void Defers_what_comes_while_the_snapshots_block_is_fetched()
    {
        var intake = new BlockIntake();
        intake.Passed(4);
        Assert.False(intake.Defer(5));
        var target = Keccak.Hash([1]);
        intake.WaitFor(target, 10);
        Assert.True(intake.IsWaiting && intake.Defer(11) && intake.Defer(12));
        intake.Passed(12);
        Assert.Equal(4ul, intake.Applied);
        Assert.Null(intake.Reached(Keccak.Hash([2])));
        Assert.Equal(10ul, intake.Reached(target));
        Assert.Equal((10ul, 12ul, false), (intake.Applied, intake.LastDeferred, intake.IsWaiting));
        Assert.Null(intake.Reached(target));
    }

    [Fact]
    public void Says_why_an_entry_is_no_block()
    {
        Assert.False(BlockIntake.TryDecode([0xc0], out var block, out var why));
        Assert.Null(block);
        Assert.Contains("no block", why, StringComparison.Ordinal);
    }
}
