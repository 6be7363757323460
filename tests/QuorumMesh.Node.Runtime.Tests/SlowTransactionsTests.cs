using QuorumMesh.Chain;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

public sealed class SlowTransactionsTests
{
    private readonly SlowTransactions _slow = new();

    [Fact]
    public void The_pause_grows_eightfold_up_to_512_blocks_and_stays_there()
    {
        var (one, block) = (Transaction(1), 100ul);
        foreach (var pause in new[] { 8ul, 64ul, 512ul, 512ul, 512ul })
        {
            Assert.Equal(block + pause, _slow.CutOff(one, block, isFirst: true).NextBlock);
            Assert.True(_slow.IsHeld(one.Tx.Hash, block + pause - 1));
            for (var own = 0; own < 4; own++) _slow.Building();
            Assert.False(_slow.IsHeld(one.Tx.Hash, block += pause));
        }
        Assert.Equal(5, _slow.Find(one.Tx.Hash)!.Tries);
    }

    [Fact]
    public void Behind_others_in_its_block_it_has_not_been_tried()
    {
        var one = Transaction(1);
        for (var block = 8ul; block <= 80; block += 8) Assert.Equal(block + 8, _slow.CutOff(one, block, isFirst: false).NextBlock);
        Assert.Equal(0, _slow.Find(one.Tx.Hash)!.Tries);
        Assert.Equal((1, 98ul), Of(_slow.CutOff(one, 90, isFirst: true)));
        Assert.Equal((1, 108ul), Of(_slow.CutOff(one, 100, isFirst: false)));
        Assert.Equal((2, 174ul), Of(_slow.CutOff(one, 110, isFirst: true)));
    }

    /// <summary>However many validators there are: with ten of them all pauses are over at each block of one's own.</summary>
    [Theory]
    [InlineData(1ul)]
    [InlineData(10ul)]
    public void Own_blocks_without_such_tries_lie_between_two_of_them(ulong validators)
    {
        var (one, other, block) = (Transaction(1), Transaction(2), 100ul);
        Build(one, block);
        Build(other, block += validators);
        Build(one, block += 100);
        for (var own = 0; own < 3; own++)
        {
            _slow.Building();
            Assert.True(_slow.IsHeld(other.Tx.Hash, block += validators));
            Assert.False(_slow.IsHeld(Transaction(3).Tx.Hash, block)); // never tried
        }
        _slow.Building();
        Assert.False(_slow.IsHeld(other.Tx.Hash, block + validators));
    }

    [Fact]
    public void One_that_waits_has_its_turn_though_new_ones_are_cut_off_in_each_block()
    {
        var one = Transaction(0);
        Build(one, 10);
        for (var block = 11ul; block < 18; block++) Build(Transaction(block), block);
        _slow.Building();
        Assert.False(_slow.IsHeld(one.Tx.Hash, 18));
    }

    [Fact]
    public void What_is_gone_is_forgotten_once_it_could_be_tried_again_and_the_table_is_bounded()
    {
        var (kept, gone) = (Transaction(0), Transaction(1));
        _slow.CutOff(kept, 10, isFirst: true);
        _slow.CutOff(gone, 10, isFirst: true);
        _slow.Prune(hash => hash == kept.Tx.Hash, block: 17);
        Assert.Equal(2, _slow.All.Count);
        _slow.Prune(hash => hash == kept.Tx.Hash, block: 18);
        Assert.Equal(kept.Tx.Hash, Assert.Single(_slow.All).Hash);
        for (var nonce = 1ul; nonce < 5_000; nonce++) _slow.CutOff(Transaction(nonce), 10 + nonce, isFirst: true);
        Assert.Equal(4_096, _slow.All.Count);
        Assert.Null(_slow.Find(kept.Tx.Hash));
        Assert.NotNull(_slow.Find(Transaction(4_999).Tx.Hash));
    }

    /// <summary>A block of this node in which it is cut off.</summary>
    private void Build(RecoveredTransaction transaction, ulong block)
    {
        _slow.Building();
        _slow.CutOff(transaction, block, isFirst: true);
    }

    private static (int Tries, ulong NextBlock) Of(HeldTransaction held) => (held.Tries, held.NextBlock);

    private static RecoveredTransaction Transaction(ulong nonce) => new(new Transaction { Nonce = nonce, GasLimit = 21_000 }, default);
}
