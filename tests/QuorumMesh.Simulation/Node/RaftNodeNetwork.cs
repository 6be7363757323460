using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Raft;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Simulation.Node;

/// <summary>Three members of a Raft cluster, with strangers, operators, and a log that is lost.</summary>
internal sealed class RaftNodeNetwork : NodeNetwork
{
    private const int Size = 3;

    private readonly RaftNode[] _members;
    private readonly int _support;
    private readonly Operators? _operators;
    private readonly CompactDelivery? _compact;
    private readonly long? _loseLogAt;

    public RaftNodeNetwork(int seed, FaultPlan? plan = null) : base(seed, plan)
    {
        _support = seed % 3;
        // Of some seeds: those that once failed stay themselves.
        _compact = seed % 2 == 1 ? new CompactDelivery(new Random(seed * 31)) : null;
        _operators = seed % 7 == 3 ? new Operators(new Random(seed)) : null;
        _loseLogAt = seed % 4 == 1 ? Strange.Next(2_000, 9_000) : null;
        _members = [.. Enumerable.Range(1, Size).Select(id => new RaftNode((ushort)id, this, new Random(Random.Next())))];
        StartAll(_members);
    }

    public static IReadOnlyList<RaftPeer> Bootstrap { get; } = [.. Enumerable.Range(1, Size).Select(id =>
        new RaftPeer((ulong)id, new RaftAddress((ulong)id, TestChain.Signer(1000 + id).PublicKey, "127.0.0.1", 30000 + id, 50000 + id)
            .Encode()))];

    /// <summary>Blocks that arrived without some of their transactions and were made whole.</summary>
    public int Rebuilt => _compact?.Rebuilt ?? 0;

    /// <summary>And those that could not be: their message was lost.</summary>
    public int NotRebuilt => _compact?.NotRebuilt ?? 0;
    public int PassedOver { get; private set; }
    public int Refused { get; private set; }
    public int ChangedMembers => _operators?.Committed ?? 0;
    public int LostLogs => _members.Count(n => n.HasLostLog);

    /// <summary>A node whose log was lost never starts again: it would have to join anew.</summary>
    protected override IEnumerable<SimulatedNode> Lasting => _members.Where(n => !n.HasLostLog);

    protected override bool IsQuiet => _operators is not { AreAnswered: false };

    private static byte[] OtherChain { get; } = new RaftSnapshotData([RaftAddress.Decode(Bootstrap[0].Context)], [2, 3],
        Keccak.Hash([1])).Encode();

    public override NodeStores OpenStores(IKeyValueStore store) => TestChain.Open(store);

    /// <summary>The others are as GoQuorum's: they neither announce nor use pre-vote.</summary>
    public bool KnowsPreVote(ulong id) => _support == 1 || (_support == 2 && id % 2 == 1);

    public void EntryPassedOver(PassedOverEvent passed) => PassedOver++;

    /// <summary>Members that keep their logs never contradict each other.</summary>
    public void MessageRefused(RaftNode node, RaftRefusedEvent refused)
    {
        Refused++;
        if (refused.From <= Size && refused.Reason is "conflict" or "past-log")
            throw new NodeSimulationException($"node {node.Id} refuses a message of {refused.From}: {refused.Reason}");
    }

    public override void Crashed(SimulatedNode node)
    {
        base.Crashed(node);
        foreach (var other in _members)
            if (other.IsUp && Random.Next(2) == 0) other.Transport.Lose(node.Id);
    }

    public override void Started(SimulatedNode node)
    {
        foreach (var other in _members.Where(n => n != node && n.IsUp && Strange.Next(2) == 0)) Meet((RaftNode)node, other);
    }

    public void SendRaft(IReadOnlyList<RaftMessage> messages)
    {
        MayLosePower();
        foreach (var message in messages)
        {
            if (message.To > Size) continue; // a learner that never came
            // Over the wire form, so that nothing is shared between nodes.
            var copy = RaftWire.DecodeMessage(RaftWire.Encode(message));
            if (IsLost(message.From, message.To))
            {
                Lost(copy);
                continue;
            }
            At(Now + Delay(), () => Deliver(copy));
            if (IsFaulty && Random.Next(40) == 0) At(Now + Delay() + 20, () => Deliver(copy));
        }
    }

    protected override void Trouble()
    {
        Strangers();
        _operators?.MayAsk(_members);
        if (Now >= _loseLogAt && LostLogs == 0) _members[Strange.Next(Size)].LoseLog();
    }

    protected override void Healed()
    {
        foreach (var node in _members.Where(n => !n.HasLostLog))
            foreach (var other in _members.Where(n => !n.HasLostLog)) Meet(node, other);
    }

    protected override void CheckMore() => _operators?.Check([.. _members.Where(n => !n.HasLostLog)]);

    protected override string Describe(SimulatedNode node)
    {
        var core = ((RaftNode)node).Raft!.Core;
        return $"{core.Role} term {core.Term} applied {core.Applied}";
    }

    /// <summary>A connection is made, and each end hears what the other knows.</summary>
    private void Meet(RaftNode a, RaftNode b)
    {
        if (a == b || !a.IsUp || !b.IsUp) return;
        a.Transport.Meet(b.Id, KnowsPreVote(b.Id));
        b.Transport.Meet(a.Id, KnowsPreVote(a.Id));
    }

    /// <summary>Messages that must have no effect, and now and then a committed entry that every node must pass over alike.</summary>
    private void Strangers()
    {
        var to = _members[Strange.Next(Size)];
        if (!to.IsUp) return;
        var core = to.Raft!.Core;
        var name = (ulong)Strange.Next(1, Size + 1);
        if (name == to.Id) name = name % Size + 1;
        switch (Strange.Next(12))
        {
            case 0: to.Transport.Receive(StrangerMessages.FromStranger(Strange, core)); break;
            case 1: to.Transport.Receive(StrangerMessages.InTheNameOf(name, Strange, core, OtherChain)); break;
            case 2: to.Transport.Receive(Garbage(name, to.Id)); break;
            case 3 when Strange.Next(10) == 0 && core.IsLeader: core.Propose(new byte[8]); break;
            case 4 when Strange.Next(10) == 0 && core.IsLeader:
                core.ProposeConfChange(new RaftConfChange(0, (RaftConfChangeType)99, 2, [])); break;
            case 5 when Strange.Next(10) == 0: Meet(to, _members[name - 1]); break;
        }
    }

    private RaftMessage Garbage(ulong from, ulong to) => new()
    {
        Type = RaftMessageType.Prop,
        From = from,
        To = to,
        Entries = [new RaftEntry(0, 0, (RaftEntryType)Strange.Next(2), new byte[Strange.Next(9)])],
    };

    private void Deliver(RaftMessage message)
    {
        if (IsCut(message.From, message.To) || _members[message.To - 1] is not { IsUp: true } to)
        {
            Lost(message);
            return;
        }
        var isAnswering = _members[message.From - 1].IsUp;
        if ((_compact is null ? message : _compact.Carry(message, to.Core!.Pool, isAnswering)) is not { } arrived)
        {
            Lost(message);
            return;
        }
        to.Transport.Receive(arrived);
        if (message.Type == RaftMessageType.Snap && _members[message.From - 1] is { IsUp: true } from)
            from.Transport.Report(message.To, true);
    }

    private void Lost(RaftMessage message)
    {
        var from = _members[message.From - 1];
        if (!from.IsUp) return;
        if (message.Type == RaftMessageType.Snap) from.Transport.Report(message.To, false);
        else if (Random.Next(2) == 0) from.Transport.Miss(message.To);
    }
}
