using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Tests;

public sealed class ValidatorSetTests
{
    // The validators of quorum-examples' 7nodes; their order of turns was seen on GoQuorum 2.5.0.
    private static readonly Address[] SevenNodes =
    [
        Address.Parse("0xd8dba507e85f116b1f7e231ca8525fc9008a6966"), Address.Parse("0x6571d97f340c8495b661a823f2c2145ca47d63c2"),
        Address.Parse("0x8157d4437104e3b8df4451a85f7b2438ef6699ff"), Address.Parse("0xb131288f355bc27090e542ae0be213c20350b767"),
        Address.Parse("0xb912de287f9b047b4228436e94b5b78e3ee16171"), Address.Parse("0xe36cbeb565b061217930767886474e3cde903ac5"),
        Address.Parse("0xf512a992f3fb749857d758ffda1330e590fa915e"),
    ];

    [Fact]
    public void Listed_by_bytes_but_turns_go_by_checksummed_text()
    {
        var set = new ValidatorSet(SevenNodes);
        Assert.Equal(SevenNodes.Order(), set.Addresses);
        Assert.Equal(["0x6571", "0x8157", "0xf512", "0xb131", "0xb912", "0xd8db", "0xe36c"],
            set.InTurn(EngineKind.Ibft).Select(a => a.ToString()[..6]));
        Assert.Equal(set.Addresses, set.InTurn(EngineKind.Qbft));
    }

    [Theory]
    [InlineData(1, 0, 1, 1)]
    [InlineData(2, 0, 1, 2)]
    [InlineData(3, 0, 1, 2)]
    [InlineData(4, 1, 3, 3)]
    [InlineData(5, 1, 3, 4)]
    [InlineData(6, 1, 3, 4)]
    [InlineData(7, 2, 5, 5)]
    public void Thresholds(int count, int faults, int twoFPlusOne, int ceil2Nby3)
    {
        var set = new ValidatorSet(SevenNodes.Take(count));
        Assert.Equal((faults, twoFPlusOne, ceil2Nby3), (set.FaultTolerance, set.Quorum(ceil2Nby3: false), set.Quorum(ceil2Nby3: true)));
    }

    // The index of the last proposer (-1: none, 9: no validator any more), the round, and whose turn it is.
    [Theory]
    [InlineData(-1, 0, false, 0)]
    [InlineData(-1, 8, false, 1)]
    [InlineData(2, 0, false, 3)]
    [InlineData(6, 0, false, 0)]
    [InlineData(2, 5, false, 1)]
    [InlineData(9, 0, false, 1)]
    [InlineData(-1, 2, true, 2)]
    [InlineData(2, 0, true, 2)]
    [InlineData(2, 6, true, 1)]
    [InlineData(9, 0, true, 0)]
    public void Whose_turn(int last, ulong round, bool sticky, int expected)
    {
        var set = new ValidatorSet(SevenNodes);
        foreach (var protocol in new[] { EngineKind.Ibft, EngineKind.Qbft })
        {
            var order = set.InTurn(protocol);
            Address? proposer = last < 0 ? null : last < 7 ? order[last] : Address.Zero;
            Assert.Equal(order[expected], set.Proposer(protocol, proposer, round, sticky));
        }
    }

    [Fact]
    public void Repeated_validators_count_once()
    {
        var set = new ValidatorSet([.. SevenNodes, .. SevenNodes]);
        Assert.Equal(7, set.Count);
        Assert.Equal(7, set.With(SevenNodes[0]).Count);
        Assert.False(set.Without(SevenNodes[0]).Contains(SevenNodes[0]));
    }
}
