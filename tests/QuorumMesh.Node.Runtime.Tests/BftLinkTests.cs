using QuorumMesh.Chain.Genesis;
using QuorumMesh.Consensus.Bft;
using QuorumMesh.Node.Runtime.Bft;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>What of the peers' words gets into the mailbox.</summary>
public sealed class BftLinkTests
{
    [Theory]
    [InlineData(EngineKind.Ibft)]
    [InlineData(EngineKind.Qbft)]
    public void Only_what_a_validator_has_signed_gets_into_the_mailbox(EngineKind kind)
    {
        var network = new BftNetwork(kind, validators: 4);
        network.UntilHeight(2);
        var (posted, refused, released) = (new List<NodeInput>(), new List<BftRefusedEvent>(), 0);
        var events = new NodeEvents();
        events.BftMessageRefused += refused.Add;
        var link = new BftLink(new NoNetwork(), new FakePeers(network.Nodes[0].Stores));
        link.Heed(() => network.Nodes[0].Standing);
        link.Hear(input =>
        {
            posted.Add(input);
            return true;
        }, events);
        posted.Clear();
        void Deliver(BftMessage message) => link.OnIstanbul(
            new IstanbulMessage(new IstanbulPeer("", TestChain.Signer(9).Address, 100), message.Code, message.Payload, _ => released++));

        foreach (var message in MessagesOf(kind, signers: 4)) Deliver(message);
        Assert.NotEmpty(posted);
        Assert.Empty(refused);
        Assert.Equal(0, released);

        posted.Clear();
        var strange = MessagesOf(kind, signers: 8).Where(m => network.Nodes.All(n => n.Address != m.Sender)).ToList();
        foreach (var message in strange) Deliver(message);
        Assert.NotEmpty(strange);
        Assert.Empty(posted);
        Assert.Equal(strange.Count, released);
        Assert.All(refused, r => Assert.Equal(("unknown-sender", TestChain.Signer(9).Address), (r.Reason, r.From)));
        Assert.Equal(strange.Count, refused.Count);
    }

    [Fact]
    public void Who_was_a_validator_a_height_ago_is_still_heard()
    {
        var network = new BftNetwork(EngineKind.Ibft, validators: 4);
        network.UntilHeight(2);
        var leaver = network.Nodes[3];
        foreach (var node in network.Nodes.Take(3)) node.Vote(leaver.Address, authorize: false);
        var standing = network.Nodes[0].Standing;
        network.Until(() => !(standing = network.Nodes[0].Standing).Settings!.Validators.Contains(leaver.Address), "it is voted out");
        Assert.True(standing.Heeds(leaver.Address));
        var height = standing.Height;
        network.Until(() => (standing = network.Nodes[0].Standing).Height > height, "the next block");
        Assert.False(standing.Heeds(leaver.Address));
        Assert.True(standing.Heeds(network.Nodes[1].Address));
    }

    private static List<BftMessage> MessagesOf(EngineKind kind, int signers)
    {
        var messages = new Dictionary<Hash256, BftMessage>();
        var network = new BftNetwork(kind, signers);
        network.Delivers = (_, _, message) => messages.TryAdd(message.Id, message) || true;
        network.UntilHeight(2);
        return [.. messages.Values];
    }

    private sealed class NoNetwork : IIstanbulNetwork
    {
        public IReadOnlyList<IstanbulPeer> IstanbulPeers => [];

        public void HearIstanbul(IIstanbulHandler handler)
        {
        }

        public void SendIstanbul(int code, ReadOnlyMemory<byte> message, IReadOnlyCollection<Address> targets, bool resend = false)
        {
        }
    }
}
