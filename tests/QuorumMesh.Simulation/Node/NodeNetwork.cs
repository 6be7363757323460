using System.Text;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Simulation.Node;

/// <summary>
/// Whole nodes on a virtual clock and a network that loses, delays and parts, under one seed; each engine has its own kind.
/// </summary>
internal abstract class NodeNetwork
{
    private const int ClientsPerNode = 4;
    private const long StepMs = 10;

    private readonly PriorityQueue<Action, (long Time, int Order)> _events = new();
    private readonly HashSet<(ulong, ulong)> _cut = [];
    private readonly List<SimulatedNode> _nodes = [];
    private readonly List<NodeClient> _clients = [];
    private readonly Dictionary<ulong, Hash256> _chain = [];
    private readonly List<(SimulatedNode Node, PayloadHash Hash)> _late = [];
    private readonly FaultPlan _plan;
    private readonly bool _isNarrow;
    private readonly int _thread = Environment.CurrentManagedThreadId;
    private volatile bool _hasStrayed;
    private int _order;

    protected NodeNetwork(int seed, FaultPlan? plan)
    {
        _plan = plan ?? FaultPlan.Of(0);
        (Random, Strange) = (new Random(seed), new Random(~seed));
        KeptPublicBlocks = seed % 2 == 0 ? 5UL : 100UL;
        PayloadCacheBytes = seed % 3 == 0 ? 1_000 : PayloadCache.DefaultCapacity;
        _isNarrow = seed % 5 == 2;
    }

    public IReadOnlyList<SimulatedNode> Nodes => _nodes;

    /// <summary>Few, so that payloads come later than the public history reaches; or enough.</summary>
    public ulong KeptPublicBlocks { get; }

    /// <summary>One that is soon full while a node is held up, or one as the host's.</summary>
    public Mailbox<NodeInput> NewMailbox() =>
        _isNarrow ? new Mailbox<NodeInput>(urgentCapacity: 12, bulkCapacity: 24, input => input.Weight)
            : new Mailbox<NodeInput>(weigh: input => input.Weight);

    /// <summary>Less than the payloads of one block, or enough.</summary>
    public long PayloadCacheBytes { get; }

    /// <summary>Milliseconds since the start.</summary>
    public long Now { get; private set; }

    public bool IsFaulty { get; private set; } = true;

    /// <summary>Nodes may end, and lose power, while there are faults.</summary>
    public bool MayCrash => _plan.Crashes;

    public int Crashes { get; private set; }
    public int Syncs { get; private set; }
    public int Rewinds { get; private set; }
    public int Losses { get; private set; }
    public int Acknowledged => _clients.Sum(c => c.Acknowledged.Count);

    public ulong Height => _chain.Keys.DefaultIfEmpty().Max();

    /// <summary>The second is for what came later: the seeds that once failed stay themselves.</summary>
    protected Random Random { get; }

    /// <inheritdoc cref="Random"/>
    protected Random Strange { get; }

    /// <summary>Those that can come to the chain of the others at the end.</summary>
    protected virtual IEnumerable<SimulatedNode> Lasting => _nodes;

    /// <summary>The stores of a chain that was initialised with the network's genesis, or of a new one.</summary>
    public abstract NodeStores OpenStores(IKeyValueStore store);

    /// <summary>What a node's Status says; peers of a Raft cluster do not look at it.</summary>
    public virtual UInt256 DifficultyOf(SimulatedNode node) => UInt256.Zero;

    /// <summary>A new block, for the other nodes; members of a Raft cluster have it from the log.</summary>
    /// <param name="isHolder">Who hears its hash alone.</param>
    public virtual void Announce(SimulatedNode from, BlockPointer block, byte[] raw, UInt256 difficulty, Func<Address, bool> isHolder)
    {
    }

    /// <summary>Makes the nodes, and clients for them, and starts them. Called once, by the kind's constructor.</summary>
    protected void StartAll(IEnumerable<SimulatedNode> nodes)
    {
        _nodes.AddRange(nodes);
        for (var i = 0; i < _nodes.Count * ClientsPerNode; i++)
            _clients.Add(new NodeClient(i + 1, _nodes[i % _nodes.Count], this, new Random(Random.Next())));
        foreach (var node in _nodes) node.Start();
    }

    public void Run()
    {
        for (var end = Now + _plan.Ms; Now < end;)
        {
            Faults();
            Trouble();
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
        Healed();
        foreach (var (node, hash) in _late) node.Manager.Arrive(hash);
        var end = Now + limitMs;
        while (!IsSettled())
        {
            if (Now >= end) throw new NodeSimulationException($"not settled after {limitMs} ms without faults: {Describe()}");
            Step(sendMore: false);
        }
        Check();
        CheckMore();
    }

    public void HeadSeen(SimulatedNode node, Block block)
    {
        if (_chain.TryAdd(block.Number, block.Hash) || _chain[block.Number] == block.Hash) return;
        throw new NodeSimulationException(
            $"node {node.Id} has block {block.Hash} at {block.Number}, another node has {_chain[block.Number]}");
    }

    public virtual void Crashed(SimulatedNode node) => Crashes++;

    public virtual void Started(SimulatedNode node)
    {
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
        if (IsFaulty && Random.Next(3000) == 0 && _plan.Crashes) throw new SimulatedPowerLossException();
    }

    public TimeSpan QuestionDelay() => TimeSpan.FromMilliseconds(IsFaulty ? Random.Next(200) : 1);

    public TimeSpan AnswerDelay() => TimeSpan.FromMilliseconds(IsFaulty ? Random.Next(Random.Next(4) == 0 ? 1_500 : 100) : 1);

    public TimeSpan WatchDelay() => TimeSpan.FromMilliseconds(IsFaulty ? Random.Next(1, 300) : 10);

    /// <summary>How many payload answers a manager gives at once.</summary>
    public int AnswersAtOnce() => Random.Next(1, 6);

    /// <summary>The sender's manager has the payload at once; a recipient's may get it late, or lose it for a while.</summary>
    public void Distribute(SimulatedNode sender, IReadOnlyList<SimulatedNode> parties, byte[] payload, long now)
    {
        var hash = TestChain.HashOf(payload);
        foreach (var party in parties)
        {
            if (party == sender || Random.Next(4) != 0)
            {
                party.Manager.Put(hash, payload);
                continue;
            }
            var before = Random.Next(3) == 0 ? PayloadAvailability.Missing : PayloadAvailability.NotAParty;
            party.Manager.PutLate(hash, payload, before);
            _late.Add((party, hash));
            At(now + Random.Next(4_000), () => party.Manager.Arrive(hash));
        }
        if (Random.Next(2) == 0)
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

    /// <summary>What else happens while there are faults.</summary>
    protected virtual void Trouble()
    {
    }

    /// <summary>All nodes are up, and nothing is lost any more.</summary>
    protected virtual void Healed()
    {
    }

    /// <summary>What else is to be so in the end; throws when it is not.</summary>
    protected virtual void CheckMore()
    {
    }

    /// <summary>What else has to come to rest.</summary>
    protected virtual bool IsQuiet => true;

    /// <summary>What the engine of a node is at, for a failure's text.</summary>
    protected abstract string Describe(SimulatedNode node);

    private void Step(bool sendMore)
    {
        if (_hasStrayed)
            throw new NodeSimulationException("background work of a node went on on another thread: a run is no longer given by its seed");
        while (_events.TryPeek(out _, out var at) && at.Time <= Now) _events.Dequeue()();
        foreach (var client in _clients) client.Step(Now, sendMore);
        var first = Random.Next(_nodes.Count);
        for (var i = 0; i < _nodes.Count; i++) _nodes[(first + i) % _nodes.Count].Run(Now);
        Now += StepMs;
    }

    private void Faults()
    {
        if (Random.Next(400) == 0 && _plan.Parts) Partition();
        if (Random.Next(300) == 0) _cut.Clear();
        foreach (var node in _nodes)
        {
            if (!node.IsUp)
            {
                if (Random.Next(100) == 0) node.Start();
                continue;
            }
            if (Random.Next(1_000) == 0 && _plan.Crashes) node.Crash();
            else if (Random.Next(1_000) == 0 && _plan.Crashes) node.LosePowerSoon();
            else if (Random.Next(3_000) == 0 && _plan.Crashes) node.Stop();
            else if (Random.Next(1_000) == 0) node.PausedUntil = Now + Random.Next(1_500);
            else if (Random.Next(600) == 0) node.Manager.DownUntil = Now + Random.Next(3_000);
            // Not before the node knows the right one: it takes the first that it sees.
            else if (Random.Next(1_500) == 0 && node.Core!.ReportPrivate().Accepted is not null)
            {
                node.Manager.LostUntil = Now + Random.Next(3_000);
                Losses++;
            }
        }
    }

    private void Partition()
    {
        _cut.Clear();
        var alone = _nodes[Random.Next(_nodes.Count)].Id;
        var oneWay = Random.Next(4) == 0;
        foreach (var node in _nodes.Where(n => n.Id != alone))
        {
            _cut.Add((alone, node.Id));
            if (!oneWay) _cut.Add((node.Id, alone));
        }
    }

    protected bool IsCut(ulong from, ulong to) => _cut.Contains((from, to));

    protected bool IsLost(ulong from, ulong to) => _cut.Contains((from, to)) || (IsFaulty && Random.Next(15) == 0 && _plan.Loses);

    protected long Delay() => !IsFaulty ? 1 : Random.Next(12) == 0 ? Random.Next(_plan.Delays ? 400 : 15) : Random.Next(15);

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
        if (!Lasting.All(n => n.IsUp) || !LastingClients.All(c => c.IsIdle) || !IsQuiet) return false;
        var (areAll, first) = (Lasting.Count() == _nodes.Count, Lasting.First());
        // On one chain at some moment; with blocks all the time the heads are seldom the same.
        return Lasting.All(n => HasOneChain(n, first) && n.Core!.PrivateHead.Number == n.Core.Head.Number
                && (n.Core.Pool.Count == 0 || !areAll))
            && (areAll || LastingClients.SelectMany(c => c.Acknowledged)
                .All(hash => ChainStore.GetTransactionLocation(first.Store, hash) is not null))
            && Lasting.All(n => !_late.Any(l => l.Node == n) || n.Core!.WatchAfter >= n.Manager.ArrivalsAfter(0).Count());
    }

    /// <summary>Whether two nodes are at the same block, or so near to it that one is about to have it.</summary>
    protected virtual bool HasOneChain(SimulatedNode node, SimulatedNode other) => node.Core!.Head.Hash == other.Core!.Head.Hash;

    /// <summary>What the journal of a lost node alone holds is lost with it.</summary>
    private IEnumerable<NodeClient> LastingClients => _clients.Where((_, i) => Lasting.Contains(_nodes[i % _nodes.Count]));

    private void Check()
    {
        var first = Lasting.MaxBy(n => n.Core!.Head.Number)!;
        var chain = Enumerable.Range(1, (int)first.Core!.Head.Number).Select(n => ChainStore.GetBlock(first.Store, (ulong)n)!).ToList();
        var mined = chain.SelectMany(b => b.Transactions).GroupBy(t => t.Hash).ToDictionary(g => g.Key, g => g.Count());
        foreach (var hash in LastingClients.SelectMany(c => c.Acknowledged))
            if (mined.GetValueOrDefault(hash) != 1)
                throw new NodeSimulationException($"acknowledged transaction {hash} was mined {mined.GetValueOrDefault(hash)} times");
        foreach (var node in Lasting)
        {
            var reference = ReferenceChain.PrivateRoots(OpenStores(new MemoryKeyValueStore()), chain, node.Manager.Payloads);
            for (var number = 0; number <= (int)node.Core!.Head.Number; number++)
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
                + $"{core.Pool.PendingCount}+{core.Pool.QueuedCount} {Describe(node)} "
                + $"watched {core.WatchAfter}/{node.Manager.ArrivalsAfter(0).Count()}; ");
        }
        return text.Append($"{LastingClients.Count(c => !c.IsIdle)} clients wait").ToString();
    }
}
