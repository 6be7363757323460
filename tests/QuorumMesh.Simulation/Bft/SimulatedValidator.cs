using QuorumMesh.Consensus.Bft;
using QuorumMesh.Primitives;

namespace QuorumMesh.Simulation.Bft;

/// <summary>
/// An honest validator: the machine, and what a node is to it: a store whose unflushed tail a crash may take, a clock that is not the
/// others', execution and imports that take their time.
/// </summary>
internal sealed class SimulatedValidator(int index, BftIdentity me, BftSimulation network, Random random, bool isOurs, bool isRestless)
{
    private static readonly BftTuning AsGoQuorum = new() { LongestRound = null, AwayProposerWait = null, HelpsOthers = false };

    private readonly List<SimulatedBlock> _chain = [];
    private readonly double _clock = 0.9 + (random.NextDouble() / 5);
    private BftMachine? _machine;
    private byte[]? _row;
    private int _synced, _life, _timer;
    private ulong _deciding;

    public int Index { get; } = index;

    public bool IsOurs { get; } = isOurs;

    public Address Address => me.Address;

    public bool IsUp => _machine is not null;

    /// <summary>Number of the head.</summary>
    public ulong Height => (ulong)_chain.Count;

    public IReadOnlyList<SimulatedBlock> Chain => _chain;

    public BftExplanation? Explain() => _machine?.Explain(Clock);

    private TimeSpan Clock => TimeSpan.FromMilliseconds(network.Now * _clock);

    public void Start()
    {
        _life++;
        _deciding = 0;
        _machine = new BftMachine(me, network.Blocks, IsOurs ? new BftTuning() : AsGoQuorum);
        Step(new BftInput.PeersChanged(network.ConnectedTo(Index)));
        BeginHeight(_row);
        network.PeersChange();
        Sync();
    }

    /// <summary>The process ends, and perhaps the machine: what was not flushed may be gone.</summary>
    public void Crash()
    {
        _machine = null;
        _life++;
        _chain.RemoveRange(random.Next(_synced, _chain.Count + 1) is var left ? left : 0, _chain.Count - left);
        network.PeersChange();
    }

    public void Hear(BftMessage message, Address from) => Step(new BftInput.MessageReceived(message, from));

    public void HearPeers() => Step(new BftInput.PeersChanged(network.ConnectedTo(Index)));

    /// <summary>A block that another holds.</summary>
    public void Import(SimulatedBlock block)
    {
        if (!IsUp || block.Number != Height + 1) return;
        if (Height > 0 && block.Parent != _chain[^1].ToProposal().Digest)
            throw new BftSafetyException($"{Address} is offered a block {block.Number} of another chain");
        _chain.Add(block);
        BeginHeight(null);
        network.Announce(Index, block);
    }

    private void BeginHeight(byte[]? row)
    {
        Step(new BftInput.NewHeight(network.HeightAfter(_chain, IsOurs) with { Restored = row }));
        var height = Height;
        After(random.Next(BftShape.Period - 100, BftShape.Period + 200), () =>
        {
            if (Height == height) Step(BftInput.ProposalDue.Instance);
        });
    }

    private void Sync() => After(random.Next(400, 1600), () =>
    {
        network.SyncFrom(this);
        Sync();
    });

    private void Step(BftInput input)
    {
        if (_machine is null) return;
        var effects = _machine.Step(input, Clock);
        // Now and then the end comes in the middle.
        var end = network.IsFaulty && random.Next(600) == 0 ? random.Next(effects.Count + 1) : int.MaxValue;
        if (!network.MayCrash) end = int.MaxValue;
        foreach (var effect in effects)
        {
            if (end-- == 0)
            {
                Crash();
                network.RestartLater(this);
                return;
            }
            Do(effect);
        }
    }

    private void Do(BftEffect effect)
    {
        switch (effect)
        {
            case BftEffect.PersistLock persist:
                (_row, _synced) = (persist.Row, _chain.Count);
                break;
            case BftEffect.Send send:
                network.Transmit(Index, send);
                break;
            case BftEffect.BuildProposal build:
                After(random.Next(1, 60), () => Build(build.View));
                break;
            case BftEffect.VerifyProposal verify:
                After(random.Next(1, 60), () => Verify(verify.Proposal));
                break;
            case BftEffect.SetRoundTimer timer:
                Time(timer);
                break;
            case BftEffect.Decide decide:
                Decide(decide);
                break;
            case BftEffect.NeedSync:
                After(random.Next(1, 100), () => network.SyncFrom(this));
                break;
        }
    }

    private void Time(BftEffect.SetRoundTimer timer)
    {
        var number = ++_timer;
        After((long)(timer.After.TotalMilliseconds / _clock), () =>
        {
            if (number == _timer) Step(new BftInput.RoundTimeout(timer.View));
        });
        if (!isRestless) return;
        After(random.Next(300, 900), () =>
        {
            if (number == _timer) Time(timer);
        });
    }

    private void Decide(BftEffect.Decide decide)
    {
        network.Checks.Decided(Address, decide);
        if (_deciding == decide.Proposal.Number) throw new BftSafetyException($"{Address} decides {_deciding} twice");
        _deciding = decide.Proposal.Number;
        var block = SimulatedBlock.Read(decide.Proposal.Rlp)!;
        After(random.Next(1, 40), () => Import(block));
    }

    private void Build(BftView view)
    {
        if (view.Sequence != Height + 1 || (network.IsFaulty && random.Next(60) == 0)) return;
        Step(new BftInput.ProposalReady(network.NewBlock(_chain, Address).ToProposal()));
    }

    private void Verify(BftProposal proposal)
    {
        var block = SimulatedBlock.Read(proposal.Rlp)!;
        var isChild = block.Parent == (Height == 0 ? default : _chain[^1].ToProposal().Digest);
        Step(new BftInput.ProposalVerified(proposal.Digest, block.IsValid && isChild ? null : "it breaks a rule"));
    }

    private void After(long delay, Action action)
    {
        var life = _life;
        network.Schedule(delay, () =>
        {
            if (life == _life && IsUp) action();
        });
    }
}
