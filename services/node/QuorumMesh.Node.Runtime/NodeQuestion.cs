using QuorumMesh.Chain;
using QuorumMesh.Chain.Pool;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime;

/// <summary>A question of another thread, answered between two steps of the loop. Each is short, and gives copies.</summary>
public abstract record NodeQuestion : NodeInput
{
    private protected NodeQuestion() { }

    /// <summary>How many transactions are executable, and how many wait behind a gap.</summary>
    public sealed record PoolCounts(Reply<(int Pending, int Queued)> To) : NodeQuestion<(int Pending, int Queued)>(To)
    {
        private protected override (int Pending, int Queued) Ask(NodeCore core) => (core.Pool.PendingCount, core.Pool.QueuedCount);
    }

    /// <summary>The pool's transactions by sender.</summary>
    /// <param name="Senders">Null for all.</param>
    public sealed record PoolContent(IReadOnlySet<Address>? Senders, Reply<IReadOnlyList<SenderContent>> To)
        : NodeQuestion<IReadOnlyList<SenderContent>>(To)
    {
        private protected override IReadOnlyList<SenderContent> Ask(NodeCore core) => [.. core.Pool.Content(Senders)];
    }

    /// <summary>A transaction of the pool; null when it is not there.</summary>
    public sealed record Pooled(Hash256 Hash, Reply<RecoveredTransaction?> To) : NodeQuestion<RecoveredTransaction?>(To)
    {
        private protected override RecoveredTransaction? Ask(NodeCore core) => core.Pool.Find(Hash);
    }

    /// <summary>The next nonce of an account, with the pool's transactions counted.</summary>
    public sealed record PendingNonce(Address Account, Reply<ulong> To) : NodeQuestion<ulong>(To)
    {
        private protected override ulong Ask(NodeCore core) => core.Pool.NextNonce(Account);
    }

    /// <summary>See <see cref="NodeCore.HeldBack"/>.</summary>
    public sealed record HeldBack(Reply<IReadOnlyList<HeldTransaction>> To) : NodeQuestion<IReadOnlyList<HeldTransaction>>(To)
    {
        private protected override IReadOnlyList<HeldTransaction> Ask(NodeCore core) => core.HeldBack;
    }

    /// <summary>See <see cref="NodeCore.ReportPrivate"/>.</summary>
    public sealed record PrivateReport(Reply<PrivateSideReport> To) : NodeQuestion<PrivateSideReport>(To)
    {
        private protected override PrivateSideReport Ask(NodeCore core) => core.ReportPrivate();
    }

    /// <summary>See <see cref="NodeCore.AcceptManager"/>.</summary>
    public sealed record AcceptManager(Reply<Taken> To) : NodeQuestion<Taken>(To)
    {
        private protected override Taken Ask(NodeCore core)
        {
            core.AcceptManager();
            return default;
        }
    }

    /// <summary>See <see cref="NodeCore.RewindPrivate"/>.</summary>
    public sealed record RewindPrivate(ulong? Block, Reply<ulong> To) : NodeQuestion<ulong>(To)
    {
        private protected override ulong Ask(NodeCore core) => core.RewindPrivate(Block);
    }

    internal abstract NodeAnswer AnswerFrom(NodeCore core);
}

/// <summary>One with an answer of a kind.</summary>
public abstract record NodeQuestion<T> : NodeQuestion
{
    private readonly Reply<T> _to;

    private protected NodeQuestion(Reply<T> to) => _to = to;

    private protected abstract T Ask(NodeCore core);

    /// <summary>What a question finds wrong is its asker's affair, and ends no loop.</summary>
    internal sealed override NodeAnswer AnswerFrom(NodeCore core)
    {
        try
        {
            return new NodeAnswer.Of<T>(_to, Ask(core));
        }
        catch (Exception e)
        {
            return new NodeAnswer.Refusal<T>(_to, e);
        }
    }
}
