using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Bft;

/// <summary>What a height shares with the machine: who we are, the present step's time and effects, the others.</summary>
internal sealed class BftContext(BftIdentity me, IBftBlocks blocks, BftTuning tuning)
{
    private readonly List<BftEffect> _effects = [];
    private bool _mustPersist;

    public BftIdentity Me { get; } = me;

    public IBftBlocks Blocks { get; } = blocks;

    public BftTuning Tuning { get; } = tuning;

    public BftPeers Peers { get; } = new();

    public BftBacklog Backlog { get; } = new();

    /// <summary>Of the present step.</summary>
    public TimeSpan Now { get; set; }

    public void Do(BftEffect effect) => _effects.Add(effect);

    /// <param name="again">See <see cref="BftEffect.Send"/>.</param>
    public void Send(BftMessage message, IReadOnlyList<Address> to, bool again = false)
    {
        if (to.Count > 0) Do(new BftEffect.Send(message.Code, message.Payload, to, again));
    }

    /// <summary>Votes were cast or a lock was taken: the row goes to the disk before anything that this step sends.</summary>
    public void MustPersist() => _mustPersist = true;

    /// <summary>The effects of the step that ends.</summary>
    /// <param name="row">The row of votes as it is now.</param>
    public IReadOnlyList<BftEffect> Flush(Func<byte[]> row)
    {
        BftEffect[] effects = _mustPersist ? [new BftEffect.PersistLock(row()), .. _effects] : [.. _effects];
        _effects.Clear();
        _mustPersist = false;
        return effects;
    }
}
