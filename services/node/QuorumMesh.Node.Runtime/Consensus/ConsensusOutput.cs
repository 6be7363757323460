using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node.Runtime.Consensus;

/// <summary>A wait that a driver asks for. Each has one place: set again, it begins anew.</summary>
internal enum ConsensusTimer
{
    /// <summary>The next block may be proposed.</summary>
    Proposal,

    /// <summary>A round, or a request, has taken too long.</summary>
    Deadline,
}

/// <summary>
/// What a driver wants to happen. The core carries outputs out one by one in the order given; what an output promises holds before the next
/// one is looked at. So a vote goes out as <see cref="Persist"/>, then <see cref="Transmit"/>: nobody hears what a crash could take back.
/// Building, verifying and committing a block come last in a step: the answer is the next one.
/// </summary>
internal abstract record ConsensusOutput
{
    private ConsensusOutput() { }

    /// <summary>Goes into the node's store in one batch, and is flushed to the disk, before the next output is carried out.</summary>
    public sealed record Persist(KeyValueBatch Batch) : ConsensusOutput;

    /// <summary>
    /// Goes to the network when the pass lets go of the core: before any block is built or executed that was asked for after it.
    /// </summary>
    public sealed record Transmit(NetworkEffect Effect) : ConsensusOutput;

    /// <summary>Asks for a block; answered with <see cref="ConsensusInput.BlockBuilt"/>.</summary>
    /// <param name="Header">Number, parent, time, difficulty, gas limit; the rest is filled in.</param>
    /// <param name="Author">COINBASE of the execution.</param>
    /// <param name="Ahead">
    /// Blocks proposed and not committed, from the head's child on; the last is the parent. Empty to build on the head.
    /// </param>
    /// <param name="Taken">Transactions that are in those blocks.</param>
    /// <param name="MayBeEmpty">False to get none when no transaction fits.</param>
    /// <param name="Budget">Null where the gas alone bounds it.</param>
    /// <param name="PublicAlone">
    /// The private side follows when the block is on the chain: what only some members hold then holds up no vote.
    /// </param>
    public sealed record BuildBlock(
        BlockHeader Header,
        Address Author,
        IReadOnlyList<ExecutedBlock> Ahead,
        IReadOnlySet<Hash256> Taken,
        BuildLimits Limits,
        bool MayBeEmpty,
        BuildBudget? Budget = null,
        bool PublicAlone = false) : ConsensusOutput;

    /// <summary>
    /// Asks for a proposal's public side to be executed on the head and not stored; answered with <see
    /// cref="ConsensusInput.BlockVerified"/>, or with <see cref="ConsensusInput.VerifyStopped"/> when <see cref="ConsensusTimer.Deadline"/>
    /// came before its end.
    /// </summary>
    public sealed record VerifyBlock(Block Block) : ConsensusOutput;

    /// <summary>
    /// The network has decided: the block becomes the head. Answered with <see cref="ConsensusInput.BlockImported"/> or <see
    /// cref="ConsensusInput.BlockFailed"/>.
    /// </summary>
    /// <param name="Executed">The same block as built or verified here, which saves doing it again.</param>
    /// <param name="Alongside">Goes into the batch that moves the head; null for nothing.</param>
    public sealed record Commit(Block Block, ExecutedBlock? Executed, KeyValueBatch? Alongside) : ConsensusOutput;

    /// <summary>
    /// The blocks up to this one, which the network has decided on, are to be fetched from peers; each is told with <see
    /// cref="ConsensusInput.BlockImported"/>.
    /// </summary>
    public sealed record CatchUp(Hash256 Target) : ConsensusOutput;

    /// <summary>
    /// Others have decided this height, and this node has not: peers are asked for the blocks up to it, each of which is told with <see
    /// cref="ConsensusInput.BlockImported"/>. For engines whose blocks say themselves that they are decided.
    /// </summary>
    public sealed record Behind(ulong Height) : ConsensusOutput;

    /// <summary>Answered with <see cref="ConsensusInput.TimerFired"/>, once, unless the timer is set again before.</summary>
    /// <param name="After">Zero or more; null ends the wait.</param>
    public sealed record SetTimer(ConsensusTimer Timer, TimeSpan? After) : ConsensusOutput;

    /// <summary>Another member proposes blocks now: local transactions that wait are announced to it.</summary>
    public sealed record ProposerChanged : ConsensusOutput
    {
        public static ProposerChanged Instance { get; } = new();
    }

    /// <summary>Tells who asked what became of it.</summary>
    public sealed record Answer(NodeAnswer Reply) : ConsensusOutput;
}

/// <summary>How long the making of a block may take.</summary>
/// <param name="Adding">No transaction is begun after it.</param>
/// <param name="Total">One that still runs then is left out; null where it may come to its end.</param>
internal sealed record BuildBudget(TimeSpan Adding, TimeSpan? Total);

/// <summary>Outputs on their way to the core, first in first out.</summary>
internal sealed class ConsensusOutputs
{
    private readonly Queue<ConsensusOutput> _queue = [];

    public void Add(ConsensusOutput output) => _queue.Enqueue(output);

    public void Transmit(NetworkEffect effect) => Add(new ConsensusOutput.Transmit(effect));

    public bool TryPeek([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out ConsensusOutput? output) => _queue.TryPeek(out output);

    public void Done() => _queue.Dequeue();
}
