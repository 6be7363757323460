using QuorumMesh.Consensus.Bft;
using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Tests.Bft;

/// <summary>One validator of a scenario, with its disk.</summary>
internal sealed class ScenarioValidator(int name, BftIdentity me, BftHeight first)
{
    private BftMachine _machine = new(me, ScenarioBlocks.Instance);
    private byte[]? _row;
    private BftProposal? _decided;
    private Address? _maker;

    public int Name { get; } = name;

    public Address Me => me.Address;

    public BftHeight Height { get; private set; } = first;

    /// <summary>The view that was timed last.</summary>
    public BftView Timer { get; private set; }

    public static BftHeight HeightOf(
        BftProtocol protocol, IReadOnlyList<Address> validators, ulong sequence, Address? lastProposer, Hash256 parent) => new()
        {
            Sequence = sequence,
            Protocol = protocol,
            Validators = validators,
            LastProposer = lastProposer,
            Parent = parent,
            RequestTimeout = TimeSpan.FromSeconds(10),
        };

    /// <summary>Connected to all, at its height.</summary>
    public IEnumerable<BftInput> Open(IReadOnlyList<Address> validators) =>
    [
        new BftInput.PeersChanged(validators.Where(v => v != Me).ToHashSet()),
        new BftInput.NewHeight(Height with { Restored = _row }),
    ];

    /// <summary>What was in memory is gone; what was written is there.</summary>
    public IEnumerable<BftInput> Restart(IReadOnlyList<Address> validators)
    {
        _machine = new BftMachine(me, ScenarioBlocks.Instance);
        return [new BftInput.NewHeight(Height with { Restored = _row }), Open(validators).First()];
    }

    /// <summary>The height after its decision.</summary>
    public BftHeight Next()
    {
        var decided = _decided ?? throw new InvalidOperationException($"{Name} has decided nothing");
        return Height = HeightOf(Height.Protocol, Height.Validators, Height.Sequence + 1, _maker, decided.Digest);
    }

    public IReadOnlyList<BftEffect> Step(BftInput input, TimeSpan now)
    {
        var effects = _machine.Step(input, now);
        foreach (var effect in effects)
        {
            if (effect is BftEffect.PersistLock persist) _row = persist.Row;
            if (effect is BftEffect.SetRoundTimer timer) Timer = timer.View;
            if (effect is BftEffect.Decide decide) (_decided, _maker) = (decide.Proposal, ScenarioBlocks.MakerOf(decide.Proposal));
        }
        return effects;
    }

    public IReadOnlyList<string> Explain(TimeSpan now) =>
        [.. _machine.Explain(now)!.Reasons.Select(r => Height.Validators.Aggregate(
            r, (text, v) => text.Replace(v.ToChecksumString(), new BftValidators(Height).Turns.ToList().IndexOf(v) + 1 + "",
                StringComparison.Ordinal)))];

    public string Describe(Func<Hash256, string> nameOf)
    {
        var state = _machine.Explain(TimeSpan.Zero)!;
        var turns = new BftValidators(Height).Turns.ToList();
        var marks = state.Validators.Select((v, i) => $"{(v.HasPrepared ? "p" : "-")}{(v.HasCommitted ? "c" : "-")}"
            + (v.RoundChange is { } round ? $"r{round}" : ""));
        return $"  {Name} {state.View} proposer {turns.IndexOf(state.Proposer) + 1} {(state.IsProposed ? "proposed" : "open")} "
            + $"votes [{string.Join(" ", marks)}] locked {(state.Locked is { } locked ? $"{nameOf(locked)}/{state.LockedIn}" : "nothing")}"
            + (_decided is { } decided ? $" decided {nameOf(decided.Digest)}" : "");
    }
}
