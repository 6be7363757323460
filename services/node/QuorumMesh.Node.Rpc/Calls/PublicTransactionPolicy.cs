using QuorumMesh.Chain;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Calls;

/// <summary>
/// Which public transactions JSON-RPC refuses: those of accounts, and to contracts, that are meant to be used privately. It
/// catches libraries that drop <c>privateFor</c> without a word. Gossip and blocks are not judged by it.
/// </summary>
/// <param name="From">Accounts that send private transactions alone.</param>
/// <param name="All">Every account is such a one.</param>
/// <param name="To">Contracts that take private transactions alone.</param>
public sealed record PublicTransactionPolicy(IReadOnlySet<Address> From, bool All, IReadOnlySet<Address> To)
{
    private const string Cause =
        "if it was meant to be private, a library has dropped privateFor (docs/dapps.md has the calls that keep it)";

    /// <summary>Refuses nothing.</summary>
    public static PublicTransactionPolicy None { get; } = new(new HashSet<Address>(), false, new HashSet<Address>());

    /// <param name="senderOf">Asked only when it matters.</param>
    /// <exception cref="RpcException">It is public and refused; the text names the rule.</exception>
    internal void RequireAllowed(Transaction transaction, Func<Transaction, Address> senderOf)
    {
        if (transaction.IsPrivate) return;
        RequireAllowed(From.Count > 0 && !All ? senderOf(transaction) : null, transaction.To);
    }

    /// <param name="from">Null when it does not matter.</param>
    /// <param name="to">Null for a creation.</param>
    internal void RequireAllowed(Address? from, Address? to)
    {
        if (All) throw new RpcException($"this node refuses public transactions (--public.refuse-from): {Cause}");
        if (from is { } sender && From.Contains(sender))
            throw new RpcException($"this node refuses public transactions of {sender} (--public.refuse-from): {Cause}");
        if (to is { } contract && To.Contains(contract))
            throw new RpcException($"this node refuses public transactions to {contract} (--public.refuse-to): {Cause}");
    }
}
