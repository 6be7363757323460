using QuorumMesh.Chain;
using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Consensus.Bft;
using QuorumMesh.Node.Runtime.Consensus;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Bft;

/// <summary>
/// The blocks of the height that is worked on: when one is due, the one that this node makes, and those that others propose. Owned by the
/// writer loop.
/// </summary>
/// <param name="allowedFutureSeconds">How far ahead of the clock a block may be.</param>
internal sealed class BftProposals(BftBlockProducer producer, BftBlocks blocks, BftChain chain, INodeSigner signer, BftVotes votes,
    ulong allowedFutureSeconds)
{
    /// <summary>Each holds the states after it: a height has few, and the oldest is executed again if it is needed after all.</summary>
    private const int MostExecuted = 3;

    private static readonly BuildLimits Limits = new(MaxTransactions: 5_000, MaxBytes: 4 << 20);

    private readonly List<ExecutedBlock> _executed = [];
    private BlockHeader _parent = new();
    private Block? _early;

    /// <summary>A block is due, and the machine was told.</summary>
    public bool IsDue { get; set; }

    /// <summary>A new height begins on this block.</summary>
    public void Begin(BlockHeader parent)
    {
        (_parent, _early, IsDue) = (parent, null, false);
        _executed.Clear();
    }

    /// <summary>
    /// By the clock and the pool the next block is due: the transactions are picked then, and not a period earlier
    /// (2.5:consensus/istanbul/backend/engine.go Prepare adds the period to the time of a block that is made at once).
    /// </summary>
    public bool MayBeDue(NodeTime now, int pending) => !IsDue && WaitMs(producer.EarliestTime(_parent, pending == 0), now) == 0;

    /// <summary>How long to wait for what is next; null when nothing is waited for.</summary>
    public TimeSpan? Wait(NodeTime now, int pending)
    {
        var due = IsDue ? (long?)null : WaitMs(producer.EarliestTime(_parent, pending == 0), now);
        var early = _early is { } block ? WaitMs(TimeOf(block), now) : (long?)null;
        var first = due is null ? early : early is null ? due : Math.Min(due.Value, early.Value);
        return first is { } ms ? TimeSpan.FromMilliseconds(ms) : null;
    }

    /// <summary>The order for a block of this node's.</summary>
    public ConsensusOutput.BuildBlock Order(NodeTime now, int pending, BuildBudget budget)
    {
        var vote = votes.For(chain.SnapshotAfter(_parent));
        var header = producer.Prepare(_parent, now.UnixNanoseconds / 1_000_000_000, signer.Address, vote, pending == 0);
        return new ConsensusOutput.BuildBlock(header, signer.Address, Ahead: [], Taken: new HashSet<Hash256>(), Limits, MayBeEmpty: true,
            budget, PublicAlone: true);
    }

    /// <summary>Seals what was built.</summary>
    /// <returns>Null when the height has moved on meanwhile.</returns>
    public BftProposal? Seal(ExecutedBlock built)
    {
        if (built.Block.Header.ParentHash != _parent.Hash) return null;
        var block = built.WithHeader(producer.SealProposal(built.Block.Header, hash => signer.Sign(hash)));
        Remember(block);
        return blocks.Of(block.Block);
    }

    /// <summary>What is to be done about another's proposal.</summary>
    /// <returns>
    /// <c>Answer</c> when it is known already or breaks a rule that needs no execution; <c>Verify</c> when it is to be executed; neither
    /// when its time has not come.
    /// </returns>
    public (BftInput.ProposalVerified? Answer, ConsensusOutput.VerifyBlock? Verify) Examine(BftProposal proposal, NodeTime now)
    {
        if (Find(proposal.Digest) is not null) return (new BftInput.ProposalVerified(proposal.Digest, Fault: null), null);
        var block = blocks.BlockOf(proposal);
        if (block.Header.ParentHash != _parent.Hash)
            return (new(proposal.Digest, $"it builds on {block.Header.ParentHash}, and the head is {_parent.Hash}"), null);
        // GoQuorum looks at one from the future again when its time has come (2.5:consensus/istanbul/core/preprepare.go).
        _early = block;
        return (null, Early(now));
    }

    /// <returns>The proposal that waits for its time, once that has come.</returns>
    public ConsensusOutput.VerifyBlock? Early(NodeTime now)
    {
        if (_early is not { } block || WaitMs(TimeOf(block), now) > 0) return null;
        _early = null;
        return new ConsensusOutput.VerifyBlock(block);
    }

    /// <summary>Executed here: not done again when it is decided.</summary>
    public void Remember(ExecutedBlock block)
    {
        if (_executed.Count >= MostExecuted) _executed.RemoveAt(0);
        _executed.Add(block);
    }

    /// <summary>The decided block as it goes on the chain.</summary>
    public (Block Block, ExecutedBlock? Executed) Complete(BftEffect.Decide decided)
    {
        var executed = Find(decided.Proposal.Digest);
        var block = executed?.Block ?? blocks.BlockOf(decided.Proposal);
        // Seals are no part of the hash (2.5:core/types/istanbul.go): what was executed without them holds for the sealed block.
        var header = producer.WithCommits(block.Header, (uint)decided.Round, decided.Seals);
        return (block with { Header = header }, executed?.WithHeader(header));
    }

    /// <summary>What was executed of a block that has come from a peer, with the seals that its header brings.</summary>
    public ExecutedBlock? Executed(BlockHeader header) => Find(header.Hash)?.WithHeader(header);

    private ExecutedBlock? Find(Hash256 digest) => _executed.Find(e => e.Block.Hash == digest);

    /// <summary>From when on its header is no longer refused as one from the future.</summary>
    private ulong TimeOf(Block block) => block.Header.Time - Math.Min(block.Header.Time, allowedFutureSeconds);

    /// <summary>Milliseconds until the clock shows a time of blocks; none once it does.</summary>
    private static long WaitMs(ulong seconds, NodeTime now)
    {
        const ulong most = 3_600_000;
        var nowMs = now.UnixNanoseconds / 1_000_000;
        // From a stranger: it may be any number.
        if (seconds > (nowMs + most) / 1_000) return (long)most;
        return seconds * 1_000 <= nowMs ? 0 : (long)(seconds * 1_000 - nowMs);
    }
}
