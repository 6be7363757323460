using QuorumMesh.Chain;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>
/// The private state goes back for a late payload, and the machine ends at any write on the way, with what was not flushed lost.
/// </summary>
public sealed class RewindCrashTests
{
    private static readonly byte[] Key = TestChain.Key(1);
    private static readonly byte[] Creation = TestChain.RollingContract;
    private static readonly byte[] First = TestChain.CallPayload(5);
    private static readonly byte[] Second = TestChain.CallPayload(6);
    private static readonly Address Contract = Address.ForCreate(TestChain.AddressOf(Key), 0);
    private static readonly UInt256 Whole = (5 * 31) + 6;

    [Fact]
    public void What_the_stream_told_of_is_told_again_or_was_run()
    {
        var node = Chain(publicBlocks: 3, limit: 10);
        var recording = node.Store.Record();
        node.Step(SoloNode.Arrived(First, sequence: 9));
        Settle(node);
        Assert.Equal((Whole, 9L), (Value(node), node.Core.WatchAfter));
        var ends = recording.Ends.ToList();
        Assert.InRange(ends.Count, 4, 100);
        foreach (var writes in ends)
        {
            node.StartOn(recording.CrashAfter(writes));
            // As the manager's stream does it: everything behind the number that it is resumed at.
            if (node.Core.WatchAfter < 9) node.Step(SoloNode.Arrived(First, sequence: 9));
            Settle(node);
            Assert.Equal(Whole, Value(node));
        }
    }

    [Theory]
    [InlineData(3)]
    [InlineData(1_100)] // in two parts
    public void Where_the_operator_was_told_that_it_goes_back_it_does_and_nobody_asks_again(int publicBlocks)
    {
        var node = Chain(publicBlocks, limit: 2);
        node.Step(SoloNode.Arrived(First, sequence: 9));
        Assert.Equal(1, node.Core.ReportPrivate().LatePayloads);
        var recording = node.Store.Record();
        Assert.Equal(1ul, node.Core.RewindPrivate(null));
        Settle(node);
        Assert.Equal(Whole, Value(node));
        foreach (var writes in Some(recording.Ends.ToList()))
        {
            node.StartOn(recording.CrashAfter(writes));
            Settle(node);
            Assert.Equal(Whole, Value(node));
            node.Start();
            Assert.Equal(node.Head, node.PrivateHead);
        }
    }

    /// <summary>The first, and some of those that come after it: each is a chain to be run.</summary>
    private static IEnumerable<int> Some(List<int> ends) => ends.Where((_, i) => i < 3 || i == ends.Count / 2 || i == ends.Count - 1);

    /// <summary>Creation, a call that is taken for foreign, another one, and public blocks.</summary>
    /// <param name="limit">Blocks that it goes back by itself.</param>
    private static SoloNode Chain(int publicBlocks, ulong limit)
    {
        var node = new SoloNode(privateRewindLimit: limit);
        node.Step(SoloNode.Answer(Creation, PayloadAvailability.Here), SoloNode.Answer(First, PayloadAvailability.NotAParty),
            SoloNode.Answer(Second, PayloadAvailability.Here));
        node.Mine(TestChain.Private(Key, 0, Creation));
        node.Mine(TestChain.Private(Key, 1, First, Contract));
        node.Mine(TestChain.Private(Key, 2, Second, Contract));
        for (var i = 0; i < publicBlocks; i++) node.Mine(TestChain.Public(Key, (ulong)(3 + i)));
        Assert.Equal((node.Head, (UInt256)6), (node.PrivateHead, Value(node)));
        return node;
    }

    /// <summary>As long as it takes, with answers to what is asked, again after half a minute.</summary>
    private static void Settle(SoloNode node)
    {
        var effects = node.After(31_000);
        for (var pass = 0; pass < 1_000 && (node.PrivateHead < node.Head || pass < 3); pass++)
            effects = node.After(31_000, [.. effects.FetchPayloads.Select(hash => SoloNode.Answer(
                new[] { Creation, First, Second }.Single(p => TestChain.HashOf(p) == hash), PayloadAvailability.Here))]);
        Assert.Equal(node.Head, node.PrivateHead);
    }

    private static UInt256 Value(SoloNode node) => node.Stores.Private.Head.GetStorage(Contract, UInt256.Zero);
}
