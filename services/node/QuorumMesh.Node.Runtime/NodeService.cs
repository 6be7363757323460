using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Chain.Pool;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime.Bft;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Node.Runtime.Raft;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime;

/// <summary>The node for its RPC: reads from snapshots, writes through the mailbox.</summary>
public sealed class NodeService : INode
{
    private static readonly TimeSpan FullMailboxPause = TimeSpan.FromMilliseconds(5);
    /// <summary>What waits for a loop or a disk that stands still is in memory: from then on it is refused instead.</summary>
    private static readonly TimeSpan MostBusy = TimeSpan.FromSeconds(10);

    /// <summary>Bytes of own payloads on their way to the loop; more are left to be asked for.</summary>
    private const long MaxRemembering = 16 << 20;

    private static readonly TimeSpan PrivateHeadPoll = TimeSpan.FromMilliseconds(5);

    private readonly NodeStores _stores;
    private readonly NodeAssembly _node;
    private readonly NodeCore _core;
    private readonly NodeLoop _loop;
    private readonly Mailbox<NodeInput> _mailbox;
    private long _remembering;
    private IPrivateSide? _privateSide;
    private BftNode? _bft;
    private RaftNode? _raft;

    public NodeService(NodeStores stores, NodeAssembly node, NodeLoop loop, Mailbox<NodeInput> mailbox)
    {
        (_stores, _node, _core, _loop, _mailbox) = (stores, node, node.Core, loop, mailbox);
        Genesis = ChainStore.GetHeader(stores.KeyValues, 0) ?? throw new InvalidOperationException("the store has no genesis");
    }

    /// <inheritdoc/>
    public ChainConfig Config => _stores.Rules.Config;
    /// <inheritdoc/>
    public CompatibilityProfile Profile => _stores.Rules.Profile;
    /// <inheritdoc/>
    public required ulong NetworkId { get; init; }
    /// <inheritdoc/>
    public required string ClientVersion { get; init; }
    /// <inheritdoc/>
    public required string DataDirectory { get; init; }
    /// <inheritdoc/>
    public BlockHeader Genesis { get; }
    /// <inheritdoc/>
    public required ITransactionManager TransactionManager { get; init; }
    /// <inheritdoc/>
    public required IAccountStore Accounts { get; init; }
    /// <inheritdoc/>
    public required INodeSigner NodeKey { get; init; }
    /// <inheritdoc/>
    public required IPeerNetwork Peers { get; init; }
    /// <inheritdoc/>
    public required NodeEvents Events { get; init; }

    /// <inheritdoc/>
    public string? Refusal => _core.Refusal;

    /// <inheritdoc/>
    public SyncProgress? Sync => _node.Sync;

    /// <inheritdoc/>
    public IPrivateSide PrivateSide => _privateSide ??= new PrivateSideQuestions(_stores, TransactionManager, this);

    /// <inheritdoc/>
    public RaftStatus Raft
    {
        get
        {
            if (_node.Raft?.View is not { HasLeft: false } view) return new RaftStatus("", null, []);
            var own = Convert.ToHexStringLower(NodeKey.PublicKey);
            var connected = Peers.Peers.Select(p => p.NodeId).ToHashSet();
            var members = view.Members.Select(m =>
            {
                var id = Convert.ToHexStringLower(m.NodeId);
                var role = view.Leader == 0 ? "" : m.RaftId == view.Leader ? "minter" : view.Learners.Contains(m.RaftId) ? "learner"
                    : "verifier";
                return new RaftMember(m.RaftId, id, m.Host, m.P2pPort, m.RaftPort, role, id == own || connected.Contains(id));
            }).ToList();
            return new RaftStatus(
                members.FirstOrDefault(m => m.NodeId == own)?.Role ?? "",
                members.FirstOrDefault(m => m.RaftId == view.Leader)?.NodeId,
                // As GoQuorum lists them: the peers first, this node last; empty once this node was removed.
                members.Any(m => m.NodeId == own) ? [.. members.OrderBy(m => m.NodeId == own)] : []);
        }
    }

    /// <inheritdoc/>
    public RaftNode? RaftNode => _node.Raft is null ? null : _raft ??= NewRaftNode();

    /// <inheritdoc/>
    public BftNode? Bft => _node.Bft is { } driver
        ? _bft ??= new BftNode(() => driver.Standing, new BftQuestions(AskAsync, AskAsync,
            cancellation => AskAsync<IReadOnlyList<HeldTransaction>>(static to => new NodeQuestion.HeldBack(to), cancellation),
            () => _node.JournalFlushing)) : null;

    /// <inheritdoc/>
    public NodeView OpenView() => new(_stores, _core.PrivateStatus, _core.HeadStanding.Conflict);

    /// <inheritdoc/>
    public async Task<Hash256> SubmitAsync(Transaction transaction, CancellationToken cancellation)
    {
        RequireTaking();
        using var span = TransactionTraces.Submitted(transaction.Hash);
        var head = ChainStore.GetPublicHead(_stores.KeyValues)?.Number ?? 0;
        var rules = _stores.Rules.SenderRulesAt(head + 1);
        var recovered = _stores.Senders.Recover(transaction, rules)
            ?? throw new TransactionRejectedException(SenderInvalidText.Of(transaction, rules, Profile));
        var answer = new Reply<Hash256>();
        var input = new NodeInput.LocalTransaction(recovered, answer);
        await PostBulkAsync(input, cancellation).ConfigureAwait(false);
        return await AnswerAsync(answer.Task, cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public Task<Hash256> SubmitSignedAsync(Transaction transaction, Address signer, CancellationToken cancellation)
    {
        _stores.Senders.Signed(transaction, signer);
        return SubmitAsync(transaction, cancellation);
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string?>> SubmitAllAsync(IReadOnlyList<Transaction> transactions, CancellationToken cancellation)
    {
        RequireTaking();
        var started = DateTimeOffset.UtcNow;
        var head = ChainStore.GetPublicHead(_stores.KeyValues)?.Number ?? 0;
        var rules = _stores.Rules.SenderRulesAt(head + 1);
        var recovered = _stores.Senders.RecoverEach(transactions, rules);
        var valid = new List<RecoveredTransaction>(recovered.Length);
        foreach (var transaction in recovered)
            if (transaction is not null) valid.Add(transaction);
        IReadOnlyList<string?> reasons = [];
        if (valid.Count > 0)
        {
            var answer = new Reply<IReadOnlyList<string?>>();
            await PostBulkAsync(new NodeInput.LocalTransactions(valid, answer), cancellation).ConfigureAwait(false);
            reasons = await AnswerAsync(answer.Task, cancellation).ConfigureAwait(false);
        }
        TransactionTraces.Submitted(transactions, started);
        if (valid.Count == transactions.Count) return reasons;
        var next = 0;
        return [.. recovered.Select((r, i) => r is null ? SenderInvalidText.Of(transactions[i], rules, Profile) : reasons[next++])];
    }

    /// <inheritdoc/>
    public async Task<ulong> ChangeMembershipAsync(RaftMembershipRequest request, CancellationToken cancellation)
    {
        var asked = AskAsync<RaftChangeOutcome>(to => new RaftInput.ChangeMembership(request, to), cancellation);
        var (id, isCommitted) = await asked.ConfigureAwait(false);
        if (isCommitted) return id;
        var members = Raft.Members;
        throw new RaftMembershipException(
            $"raft id {id}: proposed, not committed: {members.Count(m => m.Active)} of {members.Count} members reachable; "
            + "it may be committed yet, and to ask again is safe");
    }

    /// <inheritdoc/>
    public Task<(int Pending, int Queued)> PoolCountsAsync(CancellationToken cancellation) =>
        AskAsync<(int, int)>(static to => new NodeQuestion.PoolCounts(to), cancellation);

    /// <inheritdoc/>
    public Task<IReadOnlyList<SenderContent>> PoolContentAsync(IReadOnlySet<Address>? senders, CancellationToken cancellation) =>
        AskAsync<IReadOnlyList<SenderContent>>(to => new NodeQuestion.PoolContent(senders, to), cancellation);

    /// <inheritdoc/>
    public Task<RecoveredTransaction?> FindPooledAsync(Hash256 hash, CancellationToken cancellation) =>
        AskAsync<RecoveredTransaction?>(to => new NodeQuestion.Pooled(hash, to), cancellation);

    /// <inheritdoc/>
    public Task<ulong> PendingNonceAsync(Address account, CancellationToken cancellation) =>
        AskAsync<ulong>(to => new NodeQuestion.PendingNonce(account, to), cancellation);

    /// <inheritdoc/>
    public async Task WaitForPrivateHeadAsync(ulong block, TimeSpan atMost, CancellationToken cancellation)
    {
        var clock = System.Diagnostics.Stopwatch.StartNew();
        while (_core.PrivateStatus.Block < block && clock.Elapsed < atMost)
            await Task.Delay(PrivateHeadPoll, cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void RememberPayload(PayloadAnswer answer)
    {
        var size = answer.Payload?.Length ?? 0;
        if (Interlocked.Add(ref _remembering, size) > MaxRemembering)
        {
            Interlocked.Add(ref _remembering, -size);
            return;
        }
        var taken = new Reply<Taken>();
        _ = taken.Task.ContinueWith(_ => Interlocked.Add(ref _remembering, -size), TaskScheduler.Default);
        if (!_mailbox.TryPostUrgent(new NodeInput.PayloadAnswers([answer], taken))) taken.Set(default);
    }

    /// <exception cref="TransactionRejectedException">The node takes no transactions, or stands still.</exception>
    private void RequireTaking()
    {
        if (Refusal is { } reason) throw new TransactionRejectedException(reason);
        if (_loop.Busy is var (busy, with) && busy > MostBusy)
            throw new TransactionRejectedException($"this node has been busy with {with} for {busy.TotalSeconds:F0} s, on a slow disk "
                + "or with a long block, and takes no transactions before it is done: try again later, or at another node");
    }

    private RaftNode NewRaftNode()
    {
        var questions = new RaftQuestions(
            cancellation => AskAsync<RaftReport>(static to => new RaftInput.Explain(to), cancellation), () => _loop.SinceLastPass);
        return new RaftNode(new RaftFactFinder(_node, Peers, questions).FindAsync,
            (target, cancellation) => AskAsync<ulong>(to => new RaftInput.TransferLeadership(target, to), cancellation));
    }

    /// <summary>Asks between two steps of the loop.</summary>
    internal async Task<T> AskAsync<T>(Func<Reply<T>, NodeInput> question, CancellationToken cancellation)
    {
        var answer = new Reply<T>();
        var input = question(answer);
        while (!_mailbox.TryPostUrgent(input))
        {
            ThrowIfEnded();
            await Task.Delay(FullMailboxPause, cancellation).ConfigureAwait(false);
        }
        return await AnswerAsync(answer.Task, cancellation).ConfigureAwait(false);
    }

    /// <returns>False while the mailbox is full.</returns>
    internal bool TryPost(NodeInput input)
    {
        ThrowIfEnded();
        return _mailbox.TryPostUrgent(input);
    }

    private async ValueTask PostBulkAsync(NodeInput input, CancellationToken cancellation)
    {
        while (!_mailbox.TryPostBulk(input))
        {
            ThrowIfEnded();
            await Task.Delay(FullMailboxPause, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>An answer never comes from a loop that has ended: its failure is given instead.</summary>
    private async Task<T> AnswerAsync<T>(Task<T> answer, CancellationToken cancellation)
    {
        if (await Task.WhenAny(answer, _loop.Ended).WaitAsync(cancellation).ConfigureAwait(false) == answer)
            return await answer.ConfigureAwait(false);
        ThrowIfEnded();
        return await answer.ConfigureAwait(false);
    }

    private void ThrowIfEnded()
    {
        if (_loop.Ended.IsCompleted) throw new NodeHaltedException("the node is stopping");
    }
}
