using QuorumMesh.Chain.Istanbul;

namespace QuorumMesh.Chain.Engines;

/// <summary>Which engine's rules hold at which height: a chain may change its engine at a block.</summary>
public sealed class EngineSchedule
{
    private readonly (ulong FromBlock, IHeaderRules Rules)[] _spans;

    /// <param name="fromGenesis">Rules from block 0 on.</param>
    /// <param name="later">Rules that follow, each from its block on, in ascending order.</param>
    /// <exception cref="ArgumentException">The blocks do not ascend, or one of them is 0.</exception>
    public EngineSchedule(IHeaderRules fromGenesis, params ReadOnlySpan<(ulong FromBlock, IHeaderRules Rules)> later)
    {
        _spans = [(0, fromGenesis), .. later];
        for (var i = 1; i < _spans.Length; i++)
            if (_spans[i].FromBlock <= _spans[i - 1].FromBlock)
                throw new ArgumentException(
                    $"an engine from block {_spans[i].FromBlock} on follows one from block {_spans[i - 1].FromBlock} on", nameof(later));
    }

    /// <summary>Validators and settings of an IBFT or QBFT chain, which go on across a change between the two; null under Raft.</summary>
    public BftChain? Bft { get; init; }

    /// <summary>The rules of the last span that begins at or below the block.</summary>
    public IHeaderRules At(ulong block)
    {
        var last = _spans.Length - 1;
        while (_spans[last].FromBlock > block) last--;
        return _spans[last].Rules;
    }
}
