using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Evm;
using QuorumMesh.Node.Runtime.Health;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;
using QuorumMesh.State.Store;

namespace QuorumMesh.Node.Runtime;

/// <summary>A transaction in the canonical chain.</summary>
public sealed record TransactionLookup(Block Block, int Index)
{
    /// <summary>The transaction at that place.</summary>
    public Transaction Transaction => Block.Transactions[Index];
}

/// <summary>Why the private head stands where it stands; null reason = it is only catching up.</summary>
public sealed record PrivateHeadStatus(ulong Block, PayloadHash? WaitingFor, string? Reason)
{
    /// <summary>
    /// Why no private block is run, whether one waits or not: the manager is not the one that was known, or the next block needs what this
    /// version does not support. Null otherwise.
    /// </summary>
    public string? Stopped { get; init; }
}

/// <summary>
/// A consistent snapshot of chain and state for one request: both heads, blocks, receipts and states are of one moment.
/// Not thread safe; dispose it.
/// </summary>
public sealed class NodeView : IDisposable
{
    private readonly IKeyValueSnapshot _snapshot;
    private readonly NodeStores _stores;
    private readonly PrivateHeadStatus _privateStatus;
    private readonly HeadConflict? _conflict;

    internal NodeView(NodeStores stores, PrivateHeadStatus privateStatus, HeadConflict? conflict = null)
    {
        _stores = stores;
        _privateStatus = privateStatus;
        _conflict = conflict;
        _snapshot = stores.KeyValues.Snapshot();
        var head = ChainStore.GetPublicHead(_snapshot) ?? throw new InvalidOperationException("the chain has no genesis");
        Head = head.Number;
        HeadHash = head.Hash;
        PrivateHead = (ChainStore.GetPrivateHead(_snapshot) ?? head).Number;
    }

    /// <summary>Number of the public head.</summary>
    public ulong Head { get; }

    /// <summary>Hash of the head in this view.</summary>
    public Hash256 HeadHash { get; }

    /// <summary>The last block whose private transactions are executed; at most <see cref="Head"/>.</summary>
    public ulong PrivateHead { get; }

    /// <summary>Before an answer that says that something happened on the chain: a receipt, a log.</summary>
    /// <exception cref="HeadConflictException">Most members of the network have other blocks than this node.</exception>
    public void RequireAgreement()
    {
        if (_conflict is not null) throw new HeadConflictException(_conflict);
    }

    /// <summary>Header of the head in this view.</summary>
    public BlockHeader HeadHeader => Header(HeadHash)!;

    /// <summary>Null above the head of this view, whatever the chain has by now.</summary>
    public BlockHeader? Header(ulong number) => number > Head ? null : ChainStore.GetHeader(_snapshot, number);

    /// <summary>Canonical blocks only.</summary>
    public BlockHeader? Header(in Hash256 hash) =>
        ChainStore.GetHeader(_snapshot, hash) is { } header && IsCanonical(header) ? header : null;

    /// <summary>Null above the head of this view.</summary>
    public Block? Block(ulong number) => number > Head ? null : ChainStore.GetBlock(_snapshot, number);

    /// <summary>Canonical blocks only.</summary>
    public Block? Block(in Hash256 hash) => Header(hash) is null ? null : ChainStore.GetBlock(_snapshot, hash);

    public UInt256 TotalDifficulty(in Hash256 hash) => ChainStore.GetTotalDifficulty(_snapshot, hash) ?? UInt256.Zero;

    /// <summary>Null for a transaction that is in no block of this view.</summary>
    public TransactionLookup? FindTransaction(in Hash256 hash) =>
        ChainStore.GetTransactionLocation(_snapshot, hash) is { } location && Block(location.BlockNumber) is { } block
            ? new TransactionLookup(block, (int)location.Index)
            : null;

    public Address SenderOf(Transaction transaction, ulong block) => Recover(transaction, block).Sender;

    /// <summary>Who signed a transaction that is not stored; null when nobody can have.</summary>
    public Address? FindSender(Transaction transaction, ulong block) =>
        _stores.Senders.Recover(transaction, _stores.Rules.SenderRulesAt(block))?.Sender;

    /// <summary>Recovers the senders of some that came together on all cores; what was found is known from then on.</summary>
    public void FindSenders(IReadOnlyList<Transaction> transactions, ulong block) =>
        _stores.Senders.RecoverEach(transactions, _stores.Rules.SenderRulesAt(block));

    /// <summary>A stored transaction as execution takes it.</summary>
    public RecoveredTransaction Recover(Transaction transaction, ulong block) =>
        _stores.Senders.Recover(transaction, _stores.Rules.SenderRulesAt(block))
        ?? throw new ChainCorruptException($"the sender of stored transaction {transaction.Hash} cannot be recovered");

    /// <summary>What the header's root is over; never with private logs.</summary>
    public IReadOnlyList<Receipt> PublicReceipts(in Hash256 blockHash) => ChainStore.GetReceipts(_snapshot, blockHash) ?? [];

    /// <summary>
    /// One entry per transaction, null for a public one; of a marker that of the transaction in it. Empty when the block has no private
    /// transactions.
    /// </summary>
    /// <exception cref="PrivateStateBehindException">The block is past the private head.</exception>
    public IReadOnlyList<Receipt?> PrivateReceipts(ulong number, in Hash256 blockHash)
    {
        RequirePrivate(number);
        return ChainStore.GetPrivateReceipts(_snapshot, ChainStore.PrivateStateId, blockHash) ?? [];
    }

    /// <summary>The receipts as the RPC shows them: the private one where there is one, logs numbered as the profile does.</summary>
    /// <exception cref="PrivateStateBehindException">The block is past the private head.</exception>
    public IReadOnlyList<ReceiptView> MergedReceipts(Block block)
    {
        var hidden = PrivateReceipts(block.Number, block.Hash);
        return ReceiptView.Merge(
            block.Transactions, PublicReceipts(block.Hash), hidden.Count == 0 ? null : hidden, _stores.Rules.Profile);
    }

    /// <exception cref="StateUnavailableException">The block's state is no longer kept.</exception>
    public IStateReader PublicState(ulong block) => _stores.Public.At(_snapshot, block);

    /// <exception cref="PrivateStateBehindException">The block is past the private head.</exception>
    public IStateReader PrivateState(ulong block)
    {
        RequirePrivate(block);
        return _stores.Private.At(_snapshot, block);
    }

    /// <exception cref="PrivateStateBehindException">The block is past the private head.</exception>
    public Hash256 PrivateRoot(ulong block)
    {
        RequirePrivate(block);
        return _stores.Private.BlockAt(_snapshot, block)?.Root
            ?? throw new StateUnavailableException($"the private state of block {block} is not kept");
    }

    /// <summary>Every account of one side after a block, by address.</summary>
    /// <exception cref="PrivateStateBehindException">The block is past the private head.</exception>
    public IEnumerable<(Address Address, Account Account)> Accounts(bool ofPrivate, ulong block) =>
        Side(ofPrivate, block).Accounts(_snapshot, block);

    /// <summary>Every non-zero slot of an account of one side after a block.</summary>
    /// <exception cref="PrivateStateBehindException">The block is past the private head.</exception>
    public IEnumerable<(UInt256 Slot, UInt256 Value)> Storage(bool ofPrivate, ulong block, Address address) =>
        Side(ofPrivate, block).Storage(_snapshot, block, address);

    /// <summary>Merkle proofs of one side after a block.</summary>
    /// <exception cref="PrivateStateBehindException">The block is past the private head.</exception>
    /// <exception cref="StateUnavailableException">The block is no longer kept, or too far back for a proof.</exception>
    public StateProof Prove(bool ofPrivate, ulong block, Address address, IReadOnlyList<UInt256> slots) =>
        Side(ofPrivate, block).Prove(_snapshot, block, address, slots);

    /// <summary>How an account has made contracts up to this view's head; null while older blocks are still being looked through.</summary>
    public CreationRecord? CreationsOf(in Address account) =>
        CreationRecord.IndexedTo(_snapshot) >= Head ? CreationRecord.Get(_snapshot, account).At(Head) : null;

    /// <summary>The contract extensions that this participant has taken part in, up to the private head; by management contract.</summary>
    public IReadOnlyList<ContractExtension> Extensions => [.. ExtensionIndex.All(_snapshot)];

    /// <summary>One of them; null for an address that is no management contract known here.</summary>
    public ContractExtension? ExtensionBy(in Address management) => ExtensionIndex.Find(_snapshot, management);

    /// <summary>
    /// Extensions whose contract's state is on its way to a new party, as their transactions say: what changes the contract meanwhile may
    /// be missing there.
    /// </summary>
    public IEnumerable<ContractExtension> Moving => ExtensionIndex.Moving(_snapshot);

    /// <summary>What the EVM sees of a block, for calls and traces.</summary>
    public BlockContext ContextOf(BlockHeader header) =>
        _stores.Rules.ContextOf(header, _stores.Rules.EngineAt(header.Number).Author(header), BlockHash);

    /// <summary>Of a canonical block, as the EVM sees it: zero when there is none.</summary>
    public Hash256 BlockHash(ulong number) => ChainStore.GetCanonicalHash(_snapshot, number) ?? default;

    public ChainRules Rules => _stores.Rules;

    public IKeyValueReader Snapshot => _snapshot;

    public void Dispose() => _snapshot.Dispose();

    private StateStore Side(bool ofPrivate, ulong block)
    {
        if (!ofPrivate) return _stores.Public;
        RequirePrivate(block);
        return _stores.Private;
    }

    private bool IsCanonical(BlockHeader header) =>
        header.Number <= Head && ChainStore.GetCanonicalHash(_snapshot, header.Number) == header.Hash;

    private void RequirePrivate(ulong block)
    {
        if (block <= PrivateHead) return;
        throw new PrivateStateBehindException(PrivateHead + 1, _privateStatus.WaitingFor,
            _privateStatus.Reason ?? "its payloads are being fetched; try again");
    }
}
