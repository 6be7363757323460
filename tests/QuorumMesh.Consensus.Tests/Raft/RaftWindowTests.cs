using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Consensus.Tests.Raft;

/// <summary>A member that is slow, or does not answer, gets no more than a window of entries, and holds up nobody else.</summary>
public sealed class RaftWindowTests
{
    private const int Block = 1_000;

    [Fact]
    public void A_silent_member_gets_so_many_bytes_and_the_others_go_on()
    {
        var network = Cluster(c => c with { MaxInflightBytes = 5 * Block });
        network.Filter = m => m.From != 3;
        var before = network.Delivered.Count;
        for (var i = 0; i < 40; i++) Assert.True(network[1].Core.Propose(new byte[Block]) && Settled(network));
        Assert.Equal(40 * Block, network[2].Applied.Sum(e => e.Type == RaftEntryType.Normal ? e.Data.Length : 0));
        var sent = network.Delivered.Skip(before).Where(m => m is { To: 3, Type: RaftMessageType.App }).Sum(BytesOf);
        Assert.InRange(sent, Block, 6 * Block);
        Assert.True(network[1].Core.Explain().Members[2].Sent!.IsPaused);

        network.Heal();
        network.Tick(5);
        Assert.Equal(network[2].Applied.Count, network[3].Applied.Count);
    }

    [Fact]
    public void One_append_is_let_in_however_large_it_is()
    {
        var network = Cluster(c => c with { MaxInflightBytes = 1, MaxSizePerMessage = 1 });
        for (var i = 0; i < 3; i++) Assert.True(network[1].Core.Propose(new byte[Block]) && Settled(network));
        Assert.All(network.All, member => Assert.Equal(3 * Block, member.Applied.Sum(
            e => e.Type == RaftEntryType.Normal ? e.Data.Length : 0)));
    }

    [Fact]
    public void A_member_that_was_away_catches_up_within_the_window()
    {
        var network = Cluster(c => c with { MaxInflightBytes = 4 * Block, MaxSizePerMessage = 2 * Block });
        network.Isolate(3);
        for (var i = 0; i < 60; i++) Assert.True(network[1].Core.Propose(new byte[Block]) && Settled(network));
        network.Heal();
        network.Tick(2);
        Assert.Equal(network[1].Core.LastIndex, network[3].Core.LastIndex);
        Assert.All(network.Delivered.Where(m => m.To == 3), m => Assert.InRange(BytesOf(m), 0, 2 * Block));
    }

    private static int BytesOf(RaftMessage message) => message.Entries.Sum(e => e.Data.Length);

    private static bool Settled(RaftNetwork network)
    {
        network.Settle();
        return true;
    }

    private static RaftNetwork Cluster(Func<RaftConfig, RaftConfig> configure)
    {
        var network = new RaftNetwork(3, configure);
        network.Elect(1);
        return network;
    }
}
