using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Simulation.Node;

/// <summary>
/// Four validators of an IBFT or QBFT chain, of which any may crash and restart, and strangers that repeat what was said. In some seeds one
/// of them lies, in some they are slow.
/// </summary>
internal sealed class BftNodeNetwork : NodeNetwork
{
    private const int Size = 4;
    private const int MostRecorded = 200;
    private const int MostLoops = 6;
    private const int FirstLooper = 900;
    private static readonly double[] Speeds = [0.02, 0.2, 2];

    private readonly byte[] _genesis;
    private readonly BftNode[] _validators;
    private readonly List<(int Code, byte[] Payload)> _recorded = [];

    /// <summary>Its validators take their time over what they execute, and some transactions run in circles.</summary>
    private readonly bool _isSlow;
    private readonly LyingHost? _liar;
    private int _loops;

    public BftNodeNetwork(int seed, FaultPlan? plan = null) : base(seed, plan)
    {
        Kind = seed % 2 == 0 ? EngineKind.Ibft : EngineKind.Qbft;
        _genesis = BftTestChain.Genesis(Kind, Enumerable.Range(1, Size).Select(id => TestChain.Signer(1000 + id).Address),
            seed % 6 == 4 ? Transition : null);
        _validators = [.. Enumerable.Range(1, Size).Select(id => new BftNode((ushort)id, this, new Random(Random.Next())))];
        _isSlow = seed % 6 == 3;
        if (_isSlow)
            foreach (var validator in _validators) validator.MsPerLook = Speeds[Strange.Next(Speeds.Length)];
        if (seed % 5 == 1) _liar = new LyingHost(_validators[Strange.Next(Size)], new Random(Strange.Next()));
        StartAll(_validators);
    }

    public EngineKind Kind { get; }
    public IReadOnlyList<BftNode> Validators => _validators;
    public int FailedRounds { get; private set; }
    public int Refused { get; private set; }

    /// <summary>Transactions cut off, proposals stopped.</summary>
    public int TooSlow { get; private set; }

    public int Lies => _liar?.Lies ?? 0;

    private static string Transition => "\"ibft\": { \"epochlength\": 30000, \"blockperiodseconds\": 1, \"requesttimeoutseconds\": 4, "
        + "\"ceil2Nby3Block\": 0 }, \"transitions\": [ { \"block\": 6, \"algorithm\": \"qbft\" } ]";

    public override NodeStores OpenStores(IKeyValueStore store) => BftTestChain.Open(store, _genesis);

    /// <summary>Difficulty is 1 a block.</summary>
    public override UInt256 DifficultyOf(SimulatedNode node) => node.Core is { } core ? core.TotalDifficulty : UInt256.Zero;

    public void RoundFailed() => FailedRounds++;

    /// <summary>Validators that keep their stores say nothing that contradicts what they said, whatever crashes.</summary>
    public void MessageRefused(BftNode node, BftRefusedEvent refused)
    {
        Refused++;
        if (refused.Reason is "equivocation" or "bad-seal" && _validators.Any(v => v.Address == refused.From && v != _liar?.Node))
            throw new NodeSimulationException($"node {node.Id} refuses a message of {refused.From}: {refused.Reason}");
    }

    /// <summary>Nothing that an operator would have to be told of is to happen.</summary>
    public void Noticed(BftNode node, NodeNotice notice)
    {
        if (notice.Level == NoticeLevel.Warning) TooSlow++;
        if (notice.Level == NoticeLevel.Error && !notice.Text.Contains("private head", StringComparison.Ordinal)
            && !notice.Text.Contains("manager", StringComparison.Ordinal))
            throw new NodeSimulationException($"node {node.Id}: {notice.Text}");
    }

    public void Send(BftNode from, int code, byte[] payload, IReadOnlyCollection<Address> targets)
    {
        MayLosePower();
        foreach (var to in _validators.Where(v => v != from && targets.Contains(v.Address)))
        {
            if (IsLost(from.Id, to.Id)) continue;
            var said = _liar is { } liar && liar.Node == from ? liar.Say(code, payload) : (code, payload);
            if (said is not { } message) continue;
            At(Now + Delay(), () => Deliver(from, to, message.Code, message.Payload));
            if (IsFaulty && Random.Next(40) == 0) At(Now + Delay() + 20, () => Deliver(from, to, message.Code, message.Payload));
        }
        if (_recorded.Count < MostRecorded) _recorded.Add((code, payload));
        else _recorded[Random.Next(MostRecorded)] = (code, payload);
    }

    public override void Announce(SimulatedNode from, BlockPointer block, byte[] raw, UInt256 difficulty, Func<Address, bool> isHolder)
    {
        MayLosePower();
        foreach (var to in _validators.Where(v => v != from && !IsLost(from.Id, v.Id)))
            At(Now + Delay(), () =>
            {
                if (isHolder(to.Address)) to.Assembly?.PeerHandler.OnNewBlockHashes(from.NodeId, [(block.Hash, block.Number)]);
                else to.Assembly?.PeerHandler.OnNewBlock(from.NodeId, raw, difficulty);
            });
    }

    public override void Crashed(SimulatedNode node)
    {
        base.Crashed(node);
        foreach (var other in _validators.Where(v => v.IsUp))
        {
            other.Assembly!.PeerHandler.OnPeerDisconnected(node.NodeId);
            other.Istanbul.PeersChanged();
        }
    }

    public override void Started(SimulatedNode node)
    {
        foreach (var other in _validators.Where(v => v.IsUp && v != node))
        {
            other.Istanbul.PeersChanged();
            other.Assembly!.PeerHandler.OnPeerConnected(SimulatedPeers.Info(node, this));
            node.Assembly!.PeerHandler.OnPeerConnected(SimulatedPeers.Info(other, this));
        }
    }

    /// <summary>Blocks are made all the time: the heads are seldom the same, and one is never far from the other.</summary>
    protected override bool HasOneChain(SimulatedNode node, SimulatedNode other)
    {
        var (low, high) = node.Core!.Head.Number <= other.Core!.Head.Number ? (node, other) : (other, node);
        return high.Core!.Head.Number - low.Core!.Head.Number <= 1
            && ChainStore.GetCanonicalHash(high.Store, low.Core.Head.Number) == low.Core.Head.Hash;
    }

    protected override void Trouble()
    {
        var to = _validators[Strange.Next(Size)];
        if (_isSlow && _loops < MostLoops && Strange.Next(300) == 0) Loop();
        if (!to.IsUp || _recorded.Count == 0 || Strange.Next(20) != 0) return;
        var from = SimulatedIstanbul.Peer(_validators[Strange.Next(Size)]);
        var (code, payload) = _recorded[Strange.Next(_recorded.Count)];
        if (Strange.Next(3) == 0)
        {
            payload = [.. payload];
            payload[Strange.Next(payload.Length)] ^= (byte)(1 << Strange.Next(8));
        }
        to.Istanbul.Receive(from, code, payload);
    }

    /// <summary>Up to three seconds on the slowest: longer than a block may be made for, and with others than a round.</summary>
    private void Loop()
    {
        // Each of a sender of its own: what is dropped, or lost in a crash, holds up no other.
        var key = TestChain.Key(FirstLooper + _loops++);
        var transaction = TestChain.Creation(key, 0, (ulong)Strange.Next(1, 18) * 1_000_000, Hex.FromHex("5b600056"));
        foreach (var node in _validators)
            node.PostBulk(new NodeInput.PeerTransactions([new RecoveredTransaction(transaction, TestChain.AddressOf(key))]));
    }

    protected override string Describe(SimulatedNode node)
    {
        var standing = ((BftNode)node).Standing!;
        return $"round {standing.Round} reaches {standing.Reachable} {standing.Silence}";
    }

    private void Deliver(BftNode from, BftNode to, int code, byte[] payload)
    {
        if (to.IsUp && from.IsUp && !IsCut(from.Id, to.Id)) to.Istanbul.Receive(SimulatedIstanbul.Peer(from), code, payload);
    }
}
