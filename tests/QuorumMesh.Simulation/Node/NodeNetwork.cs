using System.Text;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Node.Runtime.Raft;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Simulation.Node;

/// <summary>Three whole nodes on a virtual clock and a network that loses, delays and parts, under one seed.</summary>
internal sealed class NodeNetwork
{
    private const int Size = 3;
    private const int ClientsPerNode = 4;
    private const long StepMs = 10;

    private readonly Random _random, _strange; // the second for what came later: the seeds that once failed stay themselves
    private readonly PriorityQueue<Action, (long Time, int Order)> _events = new();
    private readonly HashSet<(ulong, ulong)> _cut = [];
    private readonly SimulatedNode[] _nodes;
    private readonly NodeClient[] _clients;
    private readonly Dictionary<ulong, Hash256> _chain = [];
    private readonly List<(SimulatedNode Node, PayloadHash Hash)> _late = [];
    private readonly int _support;
    private readonly bool _isNarrow;
    private readonly Operators? _operators;
    private readonly long? _loseLogAt;
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private volatile bool _hasStrayed;
    private int _order;

    public NodeNetwork(int seed)
    {
        (_random, _strange) = (new Random(seed), new Random(~seed));
        KeptPublicBlocks = seed % 2 == 0 ? 5UL : 100UL;
        PayloadCacheBytes = seed % 3 == 0 ? 1_000 : PayloadCache.DefaultCapacity;
        _support = seed % 3;
        _isNarrow = seed % 5 == 2;
        _operators = seed % 7 == 3 ? new Operators(new Random(seed)) : null;
        _loseLogAt = seed % 4 == 1 ? _strange.Next(2_000, 9_000) : null;
        _nodes = [.. Enumerable.Range(1, Size).Select(id => new SimulatedNode((ushort)id, this, new Random(_random.Next())))];
        _clients = [.. Enumerable.Range(0, Size * ClientsPerNode)
            .Select(i => new NodeClient(i + 1, _nodes[i % Size], this, new Random(_random.Next())))];
        foreach (var node in _nodes) node.Start();
    }

    public static IReadOnlyList<RaftPeer> Bootstrap { get; } = [.. Enumerable.Range(1, Size).Select(id =>
        new RaftPeer((ulong)id, new RaftAddress((ulong)id, TestChain.Signer(1000 + id).PublicKey, "127.0.0.1", 30000 + id, 50000 + id)
            .Encode()))];

    public IReadOnlyList<SimulatedNode> Nodes => _nodes;
    /// <summary>Few, so that payloads come later than the public history reaches; or enough.</summary>
    public ulong KeptPublicBlocks { get; }

    /// <summary>One that is soon full while a node is held up, or one as the host's.</summary>
    public Mailbox<NodeInput> NewMailbox() =>
        _isNarrow ? new Mailbox<NodeInput>(urgentCapacity: 12, bulkCapacity: 24) : new Mailbox<NodeInput>();

    /// <summary>Less than the payloads of one block, or enough.</summary>
    public long PayloadCacheBytes { get; }

    /// <summary>Milliseconds since the start.</summary>
    public long Now { get; private set; }

    public bool IsFaulty { get; private set; } = true;
    public int Crashes { get; private set; }
    public int Syncs { get; private set; }
    public int Rewinds { get; private set; }
    public int Losses { get; private set; }
    public int PassedOver { get; private set; }
    public int Refused { get; private set; }
    public int ChangedMembers => _operators?.Committed ?? 0;
    public int LostLogs => _nodes.Count(n => n.HasLostLog);
    public int Acknowledged => _clients.Sum(c => c.Acknowledged.Count);

    /// <summary>The others are as GoQuorum's: they neither announce nor use pre-vote.</summary>
    public bool KnowsPreVote(ulong id) => _support == 1 || (_support == 2 && id % 2 == 1);

    /// <summary>A node whose log was lost never starts again: it would have to join anew.</summary>
    private IEnumerable<SimulatedNode> Lasting => _nodes.Where(n => !n.HasLostLog);
    public ulong Height => _chain.Keys.DefaultIfEmpty().Max();

    public void Run(long milliseconds)
    {
        for (var end = Now + milliseconds; Now < end;)
        {
            Faults();
            Strangers();
            _operators?.MayAsk(_nodes);
            if (Now >= _loseLogAt && LostLogs == 0) _nodes[_strange.Next(Size)].LoseLog();
            Step(sendMore: true);
        }
    }

    /// <summary>
    /// Everything up, connected and delivered: all nodes must come to the same chain with every acknowledged transaction, and the private
    /// sides to the public head.
    /// </summary>
    public void HealAndSettle(long limitMs)
    {
        IsFaulty = false;
        _cut.Clear();
        foreach (var node in _nodes)
        {
            node.Heal();
            if (!node.IsUp) node.Start();
        }
        foreach (var node in Lasting)
            foreach (var other in Lasting) Meet(node, other);
        foreach (var (node, hash) in _late) node.Manager.Arrive(hash);
        var end = Now + limitMs;
        while (!IsSettled())
        {
            if (Now >= end) throw new NodeSimulationException($"not settled after {limitMs} ms without faults: {Describe()}");
            Step(sendMore: false);
        }
        Check();
        _operators?.Check([.. Lasting]);
    }

    public void EntryPassedOver(PassedOverEvent passed) => PassedOver++;

    /// <summary>Members that keep their logs never contradict each other.</summary>
    public void MessageRefused(SimulatedNode node, RaftRefusedEvent refused)
    {
        Refused++;
        if (refused.From <= Size && refused.Reason is "conflict" or "past-log")
            throw new NodeSimulationException($"node {node.Id} refuses a message of {refused.From}: {refused.Reason}");
    }

    public void HeadSeen(SimulatedNode node, Block block)
    {
        if (_chain.TryAdd(block.Number, block.Hash) || _chain[block.Number] == block.Hash) return;
        throw new NodeSimulationException(
            $"node {node.Id} has block {block.Hash} at {block.Number}, another node has {_chain[block.Number]}");
    }

    public void Crashed(SimulatedNode node)
    {
        Crashes++;
        foreach (var other in _nodes)
            if (other.IsUp && _random.Next(2) == 0) other.Transport.Lose(node.Id);
    }

    public void Started(SimulatedNode node)
    {
        foreach (var other in _nodes.Where(n => n != node && n.IsUp && _strange.Next(2) == 0)) Meet(node, other);
    }

    /// <summary>A late payload was told to a node.</summary>
    public void Arrived(SimulatedNode node)
    {
        if (node.Core is { PrivateHead.Number: > 0 }) Rewinds++;
    }

    public void CaughtUp() => Syncs++;

    /// <summary>A kill between making durable and carrying out.</summary>
    public void MayLosePower()
    {
        if (IsFaulty && _random.Next(3000) == 0) throw new SimulatedPowerLossException();
    }

    public TimeSpan QuestionDelay() => TimeSpan.FromMilliseconds(IsFaulty ? _random.Next(200) : 1);

    public TimeSpan AnswerDelay() => TimeSpan.FromMilliseconds(IsFaulty ? _random.Next(_random.Next(4) == 0 ? 1_500 : 100) : 1);

    public TimeSpan WatchDelay() => TimeSpan.FromMilliseconds(IsFaulty ? _random.Next(1, 300) : 10);

    /// <summary>How many payload answers a manager gives at once.</summary>
    public int AnswersAtOnce() => _random.Next(1, 6);

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
            if (IsFaulty && _random.Next(40) == 0) At(Now + Delay() + 20, () => Deliver(copy));
        }
    }

    /// <summary>The sender's manager has the payload at once; a recipient's may get it late, or lose it for a while.</summary>
    public void Distribute(SimulatedNode sender, IReadOnlyList<SimulatedNode> parties, byte[] payload, long now)
    {
        var hash = TestChain.HashOf(payload);
        foreach (var party in parties)
        {
            if (party == sender || _random.Next(4) != 0)
            {
                party.Manager.Put(hash, payload);
                continue;
            }
            var before = _random.Next(3) == 0 ? PayloadAvailability.Missing : PayloadAvailability.NotAParty;
            party.Manager.PutLate(hash, payload, before);
            _late.Add((party, hash));
            At(now + _random.Next(4_000), () => party.Manager.Arrive(hash));
        }
        if (_random.Next(2) == 0)
            sender.Post(new NodeInput.PayloadAnswers([sender.Manager.Sent(hash, payload, now)]));
    }

    public void Gossip(SimulatedNode from, IReadOnlyList<byte[]> transactions)
    {
        foreach (var to in _nodes)
        {
            if (to == from || IsLost(from.Id, to.Id)) continue;
            ReadOnlyMemory<byte>[] raw = [.. transactions];
            At(Now + Delay(), () => to.Assembly?.PeerHandler.OnTransactions(from.NodeId, raw));
        }
    }

    /// <summary>A question of the p2p network.</summary>
    /// <param name="answered">Called once, with null when question or answer is lost.</param>
    public void Ask(
        SimulatedNode from, SimulatedNode to, Func<IPeerRequestHandler, IReadOnlyList<byte[]>> question,
        Action<IReadOnlyList<byte[]>?> answered)
    {
        const long patience = 500;
        if (IsLost(from.Id, to.Id))
        {
            At(Now + patience, () => answered(null));
            return;
        }
        At(Now + Delay(), () =>
        {
            var answer = to.Assembly is { } up && !IsLost(to.Id, from.Id) ? question(up.PeerHandler) : null;
            At(Now + (answer is null ? patience : Delay()), () => answered(answer));
        });
    }

    /// <summary>A connection is made, and each end hears what the other knows.</summary>
    private void Meet(SimulatedNode a, SimulatedNode b)
    {
        if (a == b || !a.IsUp || !b.IsUp) return;
        a.Transport.Meet(b.Id, KnowsPreVote(b.Id));
        b.Transport.Meet(a.Id, KnowsPreVote(a.Id));
    }

    /// <summary>Messages that must have no effect, and now and then a committed entry that every node must pass over alike.</summary>
    private void Strangers()
    {
        var to = _nodes[_strange.Next(Size)];
        if (!to.IsUp) return;
        var core = to.Raft!.Core;
        var name = (ulong)_strange.Next(1, Size + 1);
        if (name == to.Id) name = name % Size + 1;
        switch (_strange.Next(12))
        {
            case 0: to.Transport.Receive(StrangerMessages.FromStranger(_strange, core)); break;
            case 1: to.Transport.Receive(StrangerMessages.InTheNameOf(name, _strange, core, OtherChain)); break;
            case 2: to.Transport.Receive(Garbage(name, to.Id)); break;
            case 3 when _strange.Next(10) == 0 && core.IsLeader: core.Propose(new byte[8]); break;
            case 4 when _strange.Next(10) == 0 && core.IsLeader:
                core.ProposeConfChange(new RaftConfChange(0, (RaftConfChangeType)99, 2, [])); break;
            case 5 when _strange.Next(10) == 0: Meet(to, _nodes[name - 1]); break;
        }
    }

    private static byte[] OtherChain { get; } = new RaftSnapshotData([RaftAddress.Decode(Bootstrap[0].Context)], [2, 3],
        Keccak.Hash([1])).Encode();

    private RaftMessage Garbage(ulong from, ulong to) => new()
    {
        Type = RaftMessageType.Prop,
        From = from,
        To = to,
        Entries = [new RaftEntry(0, 0, (RaftEntryType)_strange.Next(2), new byte[_strange.Next(9)])],
    };

    private void Deliver(RaftMessage message)
    {
        if (_cut.Contains((message.From, message.To)) || _nodes[message.To - 1] is not { IsUp: true } to)
        {
            Lost(message);
            return;
        }
        to.Transport.Receive(message);
        if (message.Type == RaftMessageType.Snap && _nodes[message.From - 1] is { IsUp: true } from)
            from.Transport.Report(message.To, true);
    }

    private void Lost(RaftMessage message)
    {
        var from = _nodes[message.From - 1];
        if (!from.IsUp) return;
        if (message.Type == RaftMessageType.Snap) from.Transport.Report(message.To, false);
        else if (_random.Next(2) == 0) from.Transport.Miss(message.To);
    }

    private void Step(bool sendMore)
    {
        if (_hasStrayed)
            throw new NodeSimulationException("background work of a node went on on another thread: a run is no longer given by its seed");
        while (_events.TryPeek(out _, out var at) && at.Time <= Now) _events.Dequeue()();
        foreach (var client in _clients) client.Step(Now, sendMore);
        var first = _random.Next(Size);
        for (var i = 0; i < Size; i++) _nodes[(first + i) % Size].Run(Now);
        Now += StepMs;
    }

    private void Faults()
    {
        if (_random.Next(400) == 0) Partition();
        if (_random.Next(300) == 0) _cut.Clear();
        foreach (var node in _nodes)
        {
            if (!node.IsUp)
            {
                if (_random.Next(100) == 0) node.Start();
                continue;
            }
            if (_random.Next(1_000) == 0) node.Crash();
            else if (_random.Next(1_000) == 0) node.LosePowerSoon();
            else if (_random.Next(3_000) == 0) node.Stop();
            else if (_random.Next(1_000) == 0) node.PausedUntil = Now + _random.Next(1_500);
            else if (_random.Next(600) == 0) node.Manager.DownUntil = Now + _random.Next(3_000);
            // Not before the node knows the right one: it takes the first that it sees.
            else if (_random.Next(1_500) == 0 && node.Core!.ReportPrivate().Accepted is not null)
            {
                node.Manager.LostUntil = Now + _random.Next(3_000);
                Losses++;
            }
        }
    }

    private void Partition()
    {
        _cut.Clear();
        var alone = _nodes[_random.Next(Size)].Id;
        var oneWay = _random.Next(4) == 0;
        foreach (var node in _nodes.Where(n => n.Id != alone))
        {
            _cut.Add((alone, node.Id));
            if (!oneWay) _cut.Add((node.Id, alone));
        }
    }

    private bool IsLost(ulong from, ulong to) => _cut.Contains((from, to)) || (IsFaulty && _random.Next(15) == 0);

    private long Delay() => !IsFaulty ? 1 : _random.Next(12) == 0 ? _random.Next(400) : _random.Next(15);

    public void At(long time, Action action)
    {
        if (Environment.CurrentManagedThreadId != _thread) _hasStrayed = true;
        else _events.Enqueue(action, (time, _order++));
    }

    /// <summary>
    /// Transactions of a node that is lost may be in the pool of one that does not mint, or wait behind one that is lost: only those of the
    /// others count then.
    /// </summary>
    private bool IsSettled()
    {
        if (!Lasting.All(n => n.IsUp) || !LastingClients.All(c => c.IsIdle) || _operators is { AreAnswered: false }) return false;
        var head = Lasting.First().Core!.Head.Hash;
        return Lasting.All(n => n.Core!.Head.Hash == head && n.Core.PrivateHead.Hash == head && (n.Core.Pool.Count == 0 || LostLogs > 0))
            && (LostLogs == 0 || LastingClients.SelectMany(c => c.Acknowledged)
                .All(hash => ChainStore.GetTransactionLocation(Lasting.First().Store, hash) is not null))
            && Lasting.All(n => !_late.Any(l => l.Node == n) || n.Core!.WatchAfter >= n.Manager.ArrivalsAfter(0).Count());
    }

    /// <summary>What the journal of a lost node alone holds is lost with it.</summary>
    private IEnumerable<NodeClient> LastingClients => _clients.Where((_, i) => !_nodes[i % Size].HasLostLog);

    private void Check()
    {
        var first = Lasting.First();
        var chain = Enumerable.Range(1, (int)first.Core!.Head.Number).Select(n => ChainStore.GetBlock(first.Store, (ulong)n)!).ToList();
        var mined = chain.SelectMany(b => b.Transactions).GroupBy(t => t.Hash).ToDictionary(g => g.Key, g => g.Count());
        foreach (var hash in LastingClients.SelectMany(c => c.Acknowledged))
            if (mined.GetValueOrDefault(hash) != 1)
                throw new NodeSimulationException($"acknowledged transaction {hash} was mined {mined.GetValueOrDefault(hash)} times");
        foreach (var node in Lasting)
        {
            var reference = ReferenceChain.PrivateRoots(chain, node.Manager.Payloads);
            for (var number = 0; number < reference.Count; number++)
            {
                if (ChainStore.GetCanonicalHash(node.Store, (ulong)number) is { } hash && number > 0 && hash != chain[number - 1].Hash)
                    throw new NodeSimulationException($"node {node.Id} has another block {number}");
                var root = node.Stores!.Private.BlockAt(node.Store, (ulong)number)?.Root;
                if (root != reference[number])
                    throw new NodeSimulationException($"node {node.Id}: private root {root} after block {number}, with every payload from "
                        + $"the start it is {reference[number]}");
            }
        }
    }

    private string Describe()
    {
        var text = new StringBuilder();
        foreach (var node in _nodes)
        {
            if (node.Core is not { } core) text.Append($"{node.Id}: down; ");
            else text.Append($"{node.Id}: head {core.Head.Number} private {core.PrivateHead.Number} ({core.PrivateStatus.Reason}) pool "
                + $"{core.Pool.PendingCount}+{core.Pool.QueuedCount} {node.Raft!.Core.Role} term {node.Raft.Core.Term} applied "
                + $"{node.Raft.Core.Applied} watched {core.WatchAfter}/{node.Manager.ArrivalsAfter(0).Count()}; ");
        }
        return text.Append($"{LastingClients.Count(c => !c.IsIdle)} clients wait").ToString();
    }
}
