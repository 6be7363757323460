using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Chain.Pool;
using QuorumMesh.Node.Runtime.Bft;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Node.Runtime.Raft;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime;

/// <param name="Role">minter, verifier or learner; empty while no leader is known.</param>
/// <param name="Active">Whether a connection to the member stands.</param>
public sealed record RaftMember(ulong RaftId, string NodeId, string Hostname, int P2pPort, int RaftPort, string Role, bool Active);

/// <param name="Role">Of this node: minter, verifier, learner, or empty.</param>
/// <param name="LeaderNodeId">128 hex digits, null while no leader is known.</param>
public sealed record RaftStatus(string Role, string? LeaderNodeId, IReadOnlyList<RaftMember> Members);

/// <summary>A catch-up in progress.</summary>
public sealed record SyncProgress(ulong StartingBlock, ulong CurrentBlock, ulong HighestBlock);

/// <summary>The node as its RPC sees it. Thread safe.</summary>
public interface INode
{
    /// <summary>The chain's configuration, which does not change while the node runs.</summary>
    ChainConfig Config { get; }

    /// <summary>The GoQuorum generation whose rules the chain follows.</summary>
    CompatibilityProfile Profile { get; }

    /// <summary>Of devp2p's Status; nodes with another one do not connect.</summary>
    ulong NetworkId { get; }

    /// <summary>As web3_clientVersion answers it.</summary>
    string ClientVersion { get; }

    /// <summary>Absolute path.</summary>
    string DataDirectory { get; }

    /// <summary>Header of block 0.</summary>
    BlockHeader Genesis { get; }

    /// <summary>This participant's manager.</summary>
    ITransactionManager TransactionManager { get; }

    /// <summary>The keystore.</summary>
    IAccountStore Accounts { get; }

    /// <summary>The node's own key.</summary>
    INodeSigner NodeKey { get; }

    /// <summary>What operators ask and tell of the private side.</summary>
    IPrivateSide PrivateSide { get; }

    /// <summary>Connections with other nodes.</summary>
    IPeerNetwork Peers { get; }

    /// <summary>What happens, as it happens.</summary>
    NodeEvents Events { get; }

    /// <summary>Members and leader as of now.</summary>
    RaftStatus Raft { get; }

    /// <summary>Why there is no block, and who is to lead; null where the chain's engine is not Raft.</summary>
    RaftNode? RaftNode => null;

    /// <summary>Null where the chain is neither IBFT's nor QBFT's.</summary>
    BftNode? Bft { get; }

    /// <summary>Why this node takes no transactions now; null when it does.</summary>
    string? Refusal => null;

    /// <summary>Null when this node is up to date.</summary>
    SyncProgress? Sync { get; }

    /// <summary>A consistent snapshot for one request; dispose it.</summary>
    NodeView OpenView();

    /// <summary>Recovers the sender, checks, pools and journals; returns when the transaction can no longer be lost.</summary>
    /// <exception cref="TransactionRejectedException">With GoQuorum's text.</exception>
    Task<Hash256> SubmitAsync(Transaction transaction, CancellationToken cancellation);

    /// <summary>The same for one that this node's account store has signed: its sender is known.</summary>
    /// <exception cref="TransactionRejectedException">With GoQuorum's text.</exception>
    Task<Hash256> SubmitSignedAsync(Transaction transaction, Address signer, CancellationToken cancellation) =>
        SubmitAsync(transaction, cancellation);

    /// <summary>The same for transactions that came together: they are taken in one step, in their order.</summary>
    /// <returns>Why each is refused, in GoQuorum's text; null for one that is taken.</returns>
    /// <exception cref="TransactionRejectedException">This node takes none, see <see cref="Refusal"/>.</exception>
    Task<IReadOnlyList<string?>> SubmitAllAsync(IReadOnlyList<Transaction> transactions, CancellationToken cancellation);

    /// <summary>Changes the Raft membership; waits some seconds for the commit. Asked for again, it is the same change.</summary>
    /// <returns>The Raft id that it is about; 0 when there was nothing to change.</returns>
    /// <exception cref="RaftMembershipException">
    /// Refused, with GoQuorum's text; or proposed and not committed, with the members that can be reached.
    /// </exception>
    Task<ulong> ChangeMembershipAsync(RaftMembershipRequest request, CancellationToken cancellation);

    /// <summary>How many transactions of the pool are executable, and how many wait behind a gap.</summary>
    Task<(int Pending, int Queued)> PoolCountsAsync(CancellationToken cancellation);

    /// <summary>The pool's transactions by sender.</summary>
    /// <param name="senders">Null for all.</param>
    Task<IReadOnlyList<SenderContent>> PoolContentAsync(IReadOnlySet<Address>? senders, CancellationToken cancellation);

    /// <summary>A transaction of the pool; null when it is not there.</summary>
    Task<RecoveredTransaction?> FindPooledAsync(Hash256 hash, CancellationToken cancellation);

    /// <summary>Next nonce of an account, with the pool's transactions counted.</summary>
    Task<ulong> PendingNonceAsync(Address account, CancellationToken cancellation);

    /// <summary>Waits until the private head has reached a block, at most the given time; does not throw when it has not.</summary>
    Task WaitForPrivateHeadAsync(ulong block, TimeSpan atMost, CancellationToken cancellation);

    /// <summary>A payload that this node itself just sent: saves asking the manager for it.</summary>
    /// <param name="answer">What the manager said of it, see <see cref="ITransactionManager.SendAsync"/>.</param>
    void RememberPayload(PayloadAnswer answer);
}
