using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime.Raft;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>What the transport hears, on its way into a mailbox that may be full.</summary>
public sealed class RaftLinkTests
{
    private readonly SilentTransport _transport = new();
    private readonly List<NodeInput> _posted = [];
    private bool _isFull;

    public RaftLinkTests() => new RaftLink(_transport, static _ => { }, static () => { }).Hear(Post, new NodeEvents());

    [Fact]
    public void The_report_of_a_snapshot_waits_for_room_and_a_message_does_not()
    {
        var message = new RaftMessage { Type = RaftMessageType.Heartbeat, From = 2, To = 1 };
        _isFull = true;
        _transport.Report(2, delivered: true);
        _transport.Receive(message);
        Assert.Empty(_posted);
        _isFull = false;
        _transport.Receive(message);
        _transport.Receive(message);
        Assert.Equal([new RaftInput.SnapshotReported(2, true), new RaftInput.Message(message), new RaftInput.Message(message)], _posted);
    }

    private bool Post(NodeInput input)
    {
        if (!_isFull) _posted.Add(input);
        return !_isFull;
    }
}
