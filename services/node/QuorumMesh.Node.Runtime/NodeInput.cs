using QuorumMesh.Chain;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Node.Runtime.Health;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// Everything that can happen to the writer loop; what is for consensus is a <see cref="Consensus.ConsensusInput"/>. Time comes with each
/// batch.
/// </summary>
public abstract record NodeInput
{
    private protected NodeInput() { }

    /// <summary>How much of the mailbox's room it takes: as many as it holds transactions.</summary>
    public virtual int Weight => 1;

    /// <summary>Nothing has happened: a pass comes all the same.</summary>
    public sealed record WakeUp : NodeInput;

    public sealed record HeadsCompared(HeadAnswers Answers) : NodeInput;

    /// <summary>A transaction of our own clients; answered once it is journalled, or refused.</summary>
    public sealed record LocalTransaction(RecoveredTransaction Transaction, Reply<Hash256> Answer) : NodeInput;

    /// <summary>
    /// Those that a client sent together, in its order; answered once those that are taken are journalled, with why each of the others is
    /// refused, and null for those that are taken.
    /// </summary>
    public sealed record LocalTransactions(IReadOnlyList<RecoveredTransaction> Transactions, Reply<IReadOnlyList<string?>> Answer)
        : NodeInput
    {
        /// <inheritdoc/>
        public override int Weight => Transactions.Count;
    }

    public sealed record PeerTransactions(IReadOnlyList<RecoveredTransaction> Transactions) : NodeInput
    {
        /// <inheritdoc/>
        public override int Weight => Math.Max(1, Transactions.Count);
    }

    /// <param name="Taken">Answered when the loop has them, so that no more are fetched than it takes.</param>
    public sealed record PayloadAnswers(IReadOnlyList<PayloadAnswer> Answers, Reply<Taken>? Taken = null) : NodeInput;

    /// <summary>The manager told, or could not tell, whether a vote on a contract extension is this participant's.</summary>
    public sealed record VoteAnswered(VoteAnswer Answer) : NodeInput;

    /// <summary>
    /// The manager says that a payload is now here; <paramref name="Sequence"/> is its place in the Watch stream, 0 when there is none.
    /// </summary>
    /// <param name="Database">What told it; null when the manager does not tell.</param>
    /// <param name="Stream">
    /// The number that the stream was opened with, see <see cref="NodeEffects.WatchFrom"/>; 0 for that of the start.
    /// </param>
    public sealed record PayloadArrived(long Sequence, PayloadHash Hash, ManagerDatabase? Database = null, int Stream = 0) : NodeInput;

    /// <summary>An answer of the manager that was not about payloads told of its database.</summary>
    public sealed record ManagerSeen(ManagerDatabase Database) : NodeInput;

    /// <summary>Consecutive blocks that a peer sent for a catch-up; answered with what became of them.</summary>
    public sealed record SyncedBlocks(IReadOnlyList<Block> Blocks, Reply<Taken> Done) : NodeInput;

    public sealed record SyncFailed(Hash256 Target, string Reason) : NodeInput;

    /// <summary>Following the network's blocks cannot go on, and why; null when it does again.</summary>
    public sealed record FollowStands(string? Reason) : NodeInput;
}
