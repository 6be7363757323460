using QuorumMesh.Chain;
using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Chain.Pool;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Bft;
using QuorumMesh.Node.Runtime.Health;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Node.Runtime.Raft;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Store;

namespace QuorumMesh.Node.Rpc.Tests.Fakes;

/// <summary>A real chain, state and pool in memory, without consensus and network: blocks come by <see cref="Import"/>.</summary>
internal sealed class FakeNode : INode, IDisposable
{
    private readonly MemoryKeyValueStore _store = new();
    private readonly NodeStores _stores;
    private readonly TransactionPool _pool;
    private readonly Lock _gate = new();
    private BftNode? _bft;

    public FakeNode(GenesisFile genesis, CompatibilityProfile profile, params byte[][] accountKeys)
        : this(genesis, profile, false, accountKeys)
    {
    }

    public FakeNode(GenesisFile genesis, CompatibilityProfile profile, bool keepsRevertReasons, params byte[][] accountKeys)
    {
        var rules = new ChainRules(genesis.Config, profile,
            EngineFactory.Create(genesis.Config, profile, _store))
        { KeepsRevertReasons = keepsRevertReasons };
        _stores = new NodeStores(_store, rules, new StateStoreOptions { UnsavedBlocks = 0 });
        Accounts = new FakeAccounts(accountKeys);
        var key = Keccak.Hash("a node"u8).ToArray();
        Self = new Enode(Convert.ToHexStringLower(Secp256k1.PublicKey(key)), "127.0.0.1", 21000, discPort: 0);
        Write(_stores.Importer.Genesis(genesis), genesis.Difficulty, []);
        Genesis = Head;
        _pool = new TransactionPool(genesis.Config, profile, PoolHead());
    }

    public BlockHeader Head { get; private set; } = null!;

    private RaftBlockProducer Producer => new(_stores.Rules.Config, _stores.Rules.Profile);

    public BlockHeader PrivateHead { get; private set; } = null!;

    public Enode Self { get; init; }

    public IReadOnlyList<PeerInfo> PeerList { get; init; } = [];

    public FakeManager Manager { get; init; } = new();

    public ChainConfig Config => _stores.Rules.Config;
    public CompatibilityProfile Profile => _stores.Rules.Profile;
    public ulong NetworkId => 10;
    public string ClientVersion => "QuorumMesh/test";
    public string DataDirectory => "/data/node1";
    public BlockHeader Genesis { get; }
    public ITransactionManager TransactionManager => Manager;
    public IAccountStore Accounts { get; }
    public INodeSigner NodeKey { get; init; } = new FakeSigner(Keccak.Hash("a node"u8).ToArray());
    public IPrivateSide PrivateSide => Private;

    public FakePrivateSide Private { get; } = new();

    public FakePeers? PeerNetwork { get; init; }

    public IPeerNetwork Peers => PeerNetwork ?? new FakePeers(Self, PeerList);
    public NodeEvents Events { get; } = new();
    public RaftStatus Raft { get; set; } = new("", null, []);
    public SyncProgress? Sync { get; set; }

    /// <summary>Null for a node without a loop to ask.</summary>
    public RaftNode? RaftNode { get; init; }

    /// <summary>A validator that stands still where its chain is IBFT's or QBFT's: votes are taken, nothing is decided.</summary>
    public BftNode? Bft => _stores.Rules.Bft is { } chain ? _bft ??= FakeBft.Create(NodeKey.Address, chain.After(Head), HeldBack) : null;

    /// <summary>What a loop would say of slow transactions.</summary>
    public IReadOnlyList<HeldTransaction> HeldBack { get; init; } = [];

    /// <summary>False as in a build from before it was kept how accounts have made contracts.</summary>
    public bool KeepsCreations { get; set; } = true;

    /// <summary>Looks through old blocks, to the head.</summary>
    public void BuildCreations()
    {
        while (_stores.Creations.BuildStep()) { }
    }

    /// <summary>Most members are on another chain.</summary>
    public HeadConflict? Conflict { get; set; }

    public string? Refusal => Conflict?.ToString();

    public NodeView OpenView() =>
        new(_stores, new PrivateHeadStatus(PrivateHead.Number, null, "payloads are missing in this test"), Conflict);

    /// <summary>The membership of <see cref="Raft"/>, which nothing that is proposed changes.</summary>
    public Task<ulong> ChangeMembershipAsync(RaftMembershipRequest request, CancellationToken cancellation)
    {
        var membership = new RaftMembership();
        foreach (var m in Raft.Members) membership.Put(new RaftAddress(m.RaftId, Hex.FromHex(m.NodeId), m.Hostname, m.P2pPort, m.RaftPort));
        var own = Raft.Members.First(m => m.NodeId == Self.NodeId).RaftId;
        var core = RaftCore.Bootstrap(new RaftConfig { Id = own }, new MemoryRaftLog(), _ => 0,
            [.. membership.Addresses.Select(a => new RaftPeer(a.RaftId, a.Encode()))]);
        return Task.FromResult(RaftMembershipRequests.Change(request, membership, core)?.NodeId ?? 0);
    }

    public Task<Hash256> SubmitAsync(Transaction transaction, CancellationToken cancellation)
    {
        var rules = _stores.Rules.SenderRulesAt(Head.Number + 1);
        var recovered = _stores.Senders.Recover(transaction, rules)
            ?? throw new TransactionRejectedException(SenderInvalidText.Of(transaction, rules, Profile));
        lock (_gate)
        {
            var added = _pool.Add(recovered, isLocal: true, DateTimeOffset.UtcNow);
            if (added.Error is { } error) throw new TransactionRejectedException(error);
        }
        Events.Raise([recovered]);
        return Task.FromResult(transaction.Hash);
    }

    /// <summary>How many transactions came together, each time.</summary>
    public List<int> Together { get; } = [];

    public async Task<IReadOnlyList<string?>> SubmitAllAsync(IReadOnlyList<Transaction> transactions, CancellationToken cancellation)
    {
        if (Refusal is { } refusal) throw new TransactionRejectedException(refusal);
        Together.Add(transactions.Count);
        var reasons = new List<string?>();
        foreach (var transaction in transactions)
        {
            try
            {
                await SubmitAsync(transaction, cancellation);
                reasons.Add(null);
            }
            catch (TransactionRejectedException e)
            {
                reasons.Add(e.Message);
            }
        }
        return reasons;
    }

    public Task<(int Pending, int Queued)> PoolCountsAsync(CancellationToken cancellation) =>
        Ask(pool => (pool.PendingCount, pool.QueuedCount));

    public Task<IReadOnlyList<SenderContent>> PoolContentAsync(IReadOnlySet<Address>? senders, CancellationToken cancellation) =>
        Ask<IReadOnlyList<SenderContent>>(pool => [.. pool.Content(senders)]);

    public Task<RecoveredTransaction?> FindPooledAsync(Hash256 hash, CancellationToken cancellation) => Ask(pool => pool.Find(hash));

    private Task<T> Ask<T>(Func<TransactionPool, T> query)
    {
        lock (_gate) return Task.FromResult(query(_pool));
    }

    public Task<ulong> PendingNonceAsync(Address account, CancellationToken cancellation) => Ask(pool => pool.NextNonce(account));

    public Task WaitForPrivateHeadAsync(ulong block, TimeSpan atMost, CancellationToken cancellation) => Task.CompletedTask;

    public void RememberPayload(PayloadAnswer answer)
    {
        Manager.Payloads[answer.Hash] = answer.Payload!;
        if (answer.PrivacyMode != PrivacyMode.StandardPrivate) Manager.Answers[answer.Hash] = answer;
    }

    /// <param name="withPrivate">False leaves the private head where it is.</param>
    public void Import(Block block, bool withPrivate = true)
    {
        var transactions = _stores.Senders.RecoverAll(block.Transactions, _stores.Rules.SenderRulesAt(block.Number))
            ?? throw new InvalidBlockException("invalid sender");
        var privateParent = withPrivate && PrivateHead.Hash == Head.Hash ? _stores.Private.Head : null;
        var imported = _stores.Importer.Import(block, Head, transactions, new(_stores.Public.Head, privateParent, BlockHash, PayloadFor,
            Manager.VoteFor));
        Write(imported, ChainStore.GetTotalDifficulty(_store, Head.Hash)!.Value + block.Header.Difficulty, transactions);
        lock (_gate) _pool.SetHead(PoolHead(), transactions);
        Events.Raise(new HeadEvent(block));
        Raise(block.Header, transactions, imported.Execution.Receipts);
        if (imported.PrivateLayer is not null) Raise(block.Header, transactions, imported.Execution.PrivateReceipts ?? []);
    }

    /// <summary>Builds a block of what the pool has ready, and imports it.</summary>
    /// <param name="unixNanoseconds">The clock.</param>
    public Block Mine(ulong unixNanoseconds)
    {
        var built = _stores.Builder.Build(
            Producer.Prepare(Head, BlockTime.OfNanoseconds(unixNanoseconds)), default, _pool.Ready(),
            new(_stores.Public.Head, null, BlockHash), new BuildLimits());
        Import(built.Block);
        return built.Block;
    }

    /// <summary>Forgets the public states before a block.</summary>
    public void Prune(ulong keepFrom)
    {
        var batch = new KeyValueBatch();
        _stores.Public.Prune(keepFrom, batch, int.MaxValue);
        _store.Write(batch, sync: false);
    }

    /// <summary>A block on the head, as a minter makes it but for the seal, which nobody checks.</summary>
    public Block Mint(params Transaction[] transactions)
    {
        var recovered = _stores.Senders.RecoverAll(transactions, _stores.Rules.SenderRulesAt(Head.Number + 1))
            ?? throw new InvalidBlockException("invalid sender");
        var built = _stores.Builder.Build(
            Producer.Prepare(Head, BlockTime.OfNanoseconds(0)), author: default, new TransactionList(recovered),
            new(_stores.Public.Head, null, BlockHash), new BuildLimits());
        if (built.Skipped.Count > 0) throw new InvalidBlockException($"a transaction does not fit: {built.Skipped[0].Reason}");
        return built.WithHeader(RaftSeal.Put(built.Block.Header, 1, _ => new byte[65])).Block;
    }

    public void Dispose() => _store.Dispose();

    private void Raise(BlockHeader header, RecoveredTransaction[] transactions, IReadOnlyList<Receipt?> receipts)
    {
        var logs = receipts.Select((r, i) => (r, i)).Where(e => e.r is { Logs.Count: > 0 })
            .Select(e => new TransactionLogs(transactions[e.i], e.i, e.r!)).ToList();
        Events.Raise(new LogsEvent(header, logs));
    }

    private Hash256 BlockHash(ulong number) => ChainStore.GetCanonicalHash(_store, number) ?? default;

    private PayloadAnswer PayloadFor(PayloadHash hash) =>
        Manager.Answers.TryGetValue(hash, out var whole) ? whole
        : Manager.Payloads.TryGetValue(hash, out var payload) ? PayloadAnswer.Here(hash, payload) : PayloadAnswer.NotAParty(hash);

    private PoolHead PoolHead() =>
        new(Head.Number, Head.GasLimit,
        a => _stores.Public.Head.GetAccount(a) is { } account ? (account.Nonce, account.Balance) : (0, UInt256.Zero));

    private void Write(ImportedBlock imported, in UInt256 totalDifficulty, IReadOnlyList<RecoveredTransaction> transactions)
    {
        var batch = new KeyValueBatch();
        _stores.Importer.Put(batch, imported, totalDifficulty);
        if (KeepsCreations) _stores.Creations.Note(batch, imported.Block.Number, transactions);
        if (imported.PrivateLayer is not null) ExtensionIndex.Note(_store, batch, imported.Block, transactions, imported.Execution);
        _store.Write(batch, sync: false);
        _stores.Importer.Advance(imported);
        Head = imported.Block.Header;
        if (imported.PrivateLayer is not null) PrivateHead = Head;
    }
}
