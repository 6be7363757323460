using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Consensus.Bft;
using QuorumMesh.Node.Runtime.Bft;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Runtime.Tests;

/// <summary>Cores of IBFT or QBFT nodes, each with its store, on a clock that the test moves and a network that it can part.</summary>
internal sealed class BftNetwork
{
    private const long StepMs = 10;
    private const long MessageMs = 5;

    private readonly PriorityQueue<(BftTestNode To, BftMessage Message, IstanbulPeer From), (long At, int Order)> _wire = new();
    private int _order;

    public BftNetwork(EngineKind kind, int validators, int others = 0, string? engine = null)
    {
        Genesis = BftTestChain.Genesis(kind, Enumerable.Range(1, validators).Select(i => TestChain.Signer(i).Address), engine);
        Nodes = [.. Enumerable.Range(1, validators + others).Select(i => new BftTestNode(this, i))];
        Connect();
    }

    public byte[] Genesis { get; }
    public IReadOnlyList<BftTestNode> Nodes { get; }
    public long Now { get; private set; }

    /// <summary>Nobody hears these, and they hear nobody.</summary>
    public HashSet<BftTestNode> Away { get; } = [];

    /// <summary>False loses a message: sender, receiver, message.</summary>
    public Func<BftTestNode, BftTestNode, BftMessage, bool> Delivers { get; set; } = static (_, _, _) => true;

    public NodeTime Time => new(1_700_000_000_000_000_000UL + ((ulong)Now * 1_000_000), Now);

    public IEnumerable<BftTestNode> Present => Nodes.Where(n => !Away.Contains(n));

    /// <summary>Everyone is told who is there.</summary>
    public void Connect()
    {
        foreach (var node in Present)
            node.Pass(new ValidatorInput.PeersChanged(Present.Where(n => n != node).Select(n => n.Address).ToHashSet()));
    }

    /// <summary>Time goes on until the condition holds.</summary>
    public void Until(Func<bool> condition, string what, long limitMs = 120_000)
    {
        for (var end = Now + limitMs; !condition(); Step())
            Assert.True(Now < end, $"not within {limitMs} ms: {what}; {string.Join("; ", Nodes.Select(n => n.ToString()))}");
    }

    public void UntilHeight(ulong height) => Until(() => Present.All(n => n.Head.Number >= height), $"block {height} everywhere");

    public void For(long milliseconds)
    {
        for (var end = Now + milliseconds; Now < end;) Step();
    }

    internal BftMessage Send(BftTestNode from, ValidatorEffect.Send send)
    {
        Assert.True(BftWire.TryRead(send.Code, send.Message.ToArray(), out var message, out var refusal), refusal.ToString());
        foreach (var to in Nodes.Where(n => n != from && send.To.Contains(n.Address)))
            if (!Away.Contains(from) && !Away.Contains(to) && Delivers(from, to, message))
                _wire.Enqueue((to, message, new IstanbulPeer("", from.Address, 100)), (Now + MessageMs, _order++));
        return message;
    }

    private void Step()
    {
        while (_wire.TryPeek(out var sent, out var at) && at.At <= Now)
        {
            _wire.Dequeue();
            if (Away.Contains(sent.To)) continue;
            Deliver(sent.To.Pass(new ValidatorInput.Message(sent.Message, new IstanbulMessage(sent.From, sent.Message.Code, default))));
        }
        foreach (var node in Present) Deliver(node.Pass());
        Now += StepMs;
    }

    /// <summary>To those who asked when the node had no time for it.</summary>
    private static void Deliver(IReadOnlyList<NodeAnswer> answers)
    {
        foreach (var answer in answers) answer.Deliver();
    }
}

/// <summary>One of them. A restart keeps its store alone.</summary>
internal sealed class BftTestNode
{
    private readonly BftNetwork _network;
    private readonly int _number;
    private readonly List<NodeInput> _waiting = [];
    private double _worked;
    private long _busyUntil;

    public BftTestNode(BftNetwork network, int number)
    {
        (_network, _number) = (network, number);
        Start();
    }

    public RecordingStore Store { get; private set; } = new();
    public NodeCore Core { get; private set; } = null!;
    public BftDriver Driver { get; private set; } = null!;
    public NodeStores Stores { get; private set; } = null!;
    public Address Address => TestChain.Signer(_number).Address;
    public BlockHeader Head => Core.Head;
    public BftStanding Standing => Driver.Standing;

    /// <summary>The row that the store holds of what it has promised.</summary>
    public byte[]? Promise => ChainStore.GetMeta(Store, StoredNames.BftPromise)?.ToArray();

    /// <summary>
    /// What a look at the time within a pass has cost, in milliseconds: of loops there is one every 1,024 jumps. The node hears nothing
    /// before that is over.
    /// </summary>
    public double MsPerLook { get; set; }

    public List<RoundChangeEvent> Rounds { get; } = [];
    public List<ValidatorsEvent> Validators { get; } = [];
    public List<BftRefusedEvent> Refused { get; } = [];
    public List<NodeNotice> Notices { get; } = [];

    public List<ValidatorEffect.Announce> Announced { get; } = [];

    /// <summary>What was flushed, written and sent of its own, in order.</summary>
    public List<string> Done { get; } = [];

    public void Start()
    {
        var events = new NodeEvents();
        events.RoundChanged += Rounds.Add;
        events.ValidatorsChanged += Validators.Add;
        events.BftMessageRefused += Refused.Add;
        events.Noticed += Notices.Add;
        Store.Written = (_, sync) => Done.Add(sync ? "flush" : "write");
        Stores = BftTestChain.Open(Store, _network.Genesis, () => _network.Time.UnixNanoseconds / 1_000_000_000);
        var setup = new NodeCoreSetup { Stores = Stores, Signer = TestChain.Signer(_number), Events = events, Elapsed = Elapsed };
        Driver = new BftDriver(new BftSetup(), Stores, setup.Signer, events);
        Core = new NodeCore(setup, Driver);
        Core.Open(_network.Time);
    }

    /// <summary>A start whose store has lost all blocks, and nothing else.</summary>
    public void StartWithoutBlocks()
    {
        var row = new KeyValueBatch();
        ChainStore.PutMeta(row, StoredNames.BftPromise, Promise!);
        Store = new RecordingStore();
        BftTestChain.Open(Store, _network.Genesis);
        Store.Write(row, sync: true);
        Start();
    }

    public IReadOnlyList<NodeAnswer> Pass(params NodeInput[] inputs)
    {
        var answers = new List<NodeAnswer>();
        _waiting.AddRange(inputs);
        if (_network.Now < _busyUntil) return answers;
        NodeInput[] heard = [.. _waiting];
        _waiting.Clear();
        _worked = 0;
        NodePass.Run(Core, _network.Time, heard, static () => 0, effects =>
        {
            answers.AddRange(effects.Answers);
            if (effects.Journalled is { } journalled) answers.AddRange(journalled.Answers);
            Announced.AddRange(effects.Network.OfType<ValidatorEffect.Announce>());
            foreach (var effect in effects.Network)
                if (effect is ValidatorEffect.Send send && _network.Send(this, send) is { } message && message.Sender == Address)
                    Done.Add($"send {message.Kind}");
        });
        _busyUntil = _network.Now + (long)_worked;
        return answers;
    }

    private long Elapsed() => _network.Now + (long)(_worked += MsPerLook);

    public Reply<Hash256> Submit(Transaction transaction)
    {
        var answer = new Reply<Hash256>();
        var recovered = Stores.Senders.Recover(transaction, Stores.Rules.SenderRulesAt(Head.Number + 1))!;
        foreach (var given in Pass(new NodeInput.LocalTransaction(recovered, answer))) given.Deliver();
        return answer;
    }

    public void Vote(Address candidate, bool? authorize) => Pass(new ValidatorInput.ChangeVote(candidate, authorize, new Reply<Taken>()));

    public BftReport Explain()
    {
        var answer = new Reply<BftReport>();
        foreach (var given in Pass(new ValidatorInput.Explain(answer))) given.Deliver();
        return answer.Task.Result;
    }

    /// <summary>As a sync does it: blocks of another node.</summary>
    public void Take(params Block[] blocks) => Pass(new NodeInput.SyncedBlocks(blocks, new Reply<Taken>()));

    public override string ToString() => $"{_number}: head {Head.Number} round {Standing.Round} {Standing.Silence}";
}
