using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Bft;

/// <summary>What operators see and do of IBFT and QBFT. Thread safe.</summary>
/// <param name="standing">As of now.</param>
/// <param name="ask">Brings an input to the node's loop, with the place for its answer.</param>
public sealed class BftNode(Func<BftStanding> standing, BftQuestions ask)
{
    /// <summary>As of the last step.</summary>
    public BftStanding Standing => standing();

    /// <summary>The blocks that this node proposes vote for it from now on, while that has a meaning.</summary>
    /// <param name="authorize">True to vote in, false to vote out, null to vote no more.</param>
    public Task ChangeVoteAsync(Address candidate, bool? authorize, CancellationToken cancellation) =>
        ask.TakenAsync(to => new ValidatorInput.ChangeVote(candidate, authorize, to), cancellation);

    /// <summary>Why there is no block.</summary>
    public async Task<BftReport> ExplainAsync(CancellationToken cancellation)
    {
        var report = await ask.ReportAsync(static to => new ValidatorInput.Explain(to), cancellation).ConfigureAwait(false);
        return report with
        {
            Flush = JournalFlusher.Tell(ask.JournalFlush()),
            Held = await ask.HeldBackAsync(cancellation).ConfigureAwait(false),
        };
    }
}

/// <summary>Ways to ask a node's loop.</summary>
/// <param name="HeldBackAsync">Transactions that blocks are made without for a while.</param>
/// <param name="JournalFlush">How long a flush of the transaction journal has been under way.</param>
public sealed record BftQuestions(
    Func<Func<Reply<Taken>, NodeInput>, CancellationToken, Task<Taken>> TakenAsync,
    Func<Func<Reply<BftReport>, NodeInput>, CancellationToken, Task<BftReport>> ReportAsync,
    Func<CancellationToken, Task<IReadOnlyList<HeldTransaction>>> HeldBackAsync,
    Func<TimeSpan> JournalFlush);
