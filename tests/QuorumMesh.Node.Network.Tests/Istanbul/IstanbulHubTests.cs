using QuorumMesh.Node.Network.Istanbul;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Tests.Istanbul;

/// <summary>Who gets how much of the room for messages that wait.</summary>
public class IstanbulHubTests
{
    private const int Code = 0x11;

    private static readonly IstanbulPeer Validator = Peer(1);

    [Fact]
    public void However_many_strangers_there_are_a_validator_is_heard()
    {
        var hub = new IstanbulHub();
        var handler = new Validators();
        hub.Hear(handler);
        int taken = 0;
        foreach (var stranger in Enumerable.Range(2, 100).Select(Peer))
        {
            var held = new HeldMessages(1_000, 1 << 20);
            for (int i = 0; i < 1_000; i++)
                if (hub.TryDeliver(stranger, Code, new byte[10], held))
                    taken++;
        }
        Assert.InRange(taken, 1_000, 5_000);
        var own = new HeldMessages(1_000, 1 << 20);
        for (int i = 0; i < 1_000; i++)
            Assert.True(hub.TryDeliver(Validator, Code, new byte[10], own));

        foreach (var message in handler.Heard)
            message.Release();
        Assert.True(hub.TryDeliver(Peer(2), Code, new byte[10], own));
    }

    [Fact]
    public void What_was_not_taken_takes_no_room()
    {
        var hub = new IstanbulHub();
        var handler = new Validators();
        hub.Hear(handler);
        var held = new HeldMessages(100_000, 1L << 40);
        while (hub.TryDeliver(Peer(2), Code, new byte[10], held)) { }
        int taken = handler.Heard.Count;
        for (int i = 0; i < 100_000; i++)
            Assert.False(hub.TryDeliver(Peer(2), Code, new byte[10], held));
        foreach (var message in handler.Heard.Take(taken).ToArray())
            message.Release();
        for (int i = 0; i < taken; i++)
            Assert.True(hub.TryDeliver(Peer(2), Code, new byte[10], held));
    }

    private static IstanbulPeer Peer(int number)
    {
        var bytes = new byte[20];
        BitConverter.TryWriteBytes(bytes, number);
        return new IstanbulPeer("", new Address(bytes), 100);
    }

    private sealed class Validators : IIstanbulHandler
    {
        public List<IstanbulMessage> Heard { get; } = [];

        public void OnIstanbul(IstanbulMessage message) => Heard.Add(message);

        public bool IsValidator(Address peer) => peer == Validator.Address;

        public void OnIstanbulPeersChanged()
        {
        }
    }
}
