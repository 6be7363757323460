using QuorumMesh.Chain;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Node.Rpc.Api;

/// <summary>One consistent view for one call, and which block "latest" means in it.</summary>
internal sealed record ReadScope(NodeView View, ulong Latest)
{
    /// <summary>Null when there is no such block.</summary>
    public BlockHeader? Header(BlockTag tag) => tag.Kind switch
    {
        BlockTagKind.Number => View.Header(tag.Number),
        BlockTagKind.Hash => View.Header(tag.BlockHash),
        _ => View.Header(Latest),
    };

    /// <summary>Null when there is no such block.</summary>
    public Block? Block(BlockTag tag) => tag.Kind switch
    {
        BlockTagKind.Number => View.Block(tag.Number),
        BlockTagKind.Hash => View.Block(tag.BlockHash),
        _ => View.Block(Latest),
    };

    /// <summary>
    /// The account as GoQuorum reads it: of the private state where it is there, else of the public one. Past the private head only an
    /// account that is public, and not private at the private head, can be told: no address is ever created on both sides.
    /// </summary>
    /// <exception cref="PrivateStateBehindException">It may be a private account, whose state is not known yet.</exception>
    public (IStateReader State, Account? Account, bool IsPrivate) Find(in Address address, ulong block)
    {
        var isBehind = block > View.PrivateHead;
        var own = View.PrivateState(Math.Min(block, View.PrivateHead));
        var account = own.GetAccount(address);
        if (account is not null && !isBehind) return (own, account, true);
        var shared = View.PublicState(block);
        var found = account is null ? shared.GetAccount(address) : null;
        if (isBehind && found is null) View.PrivateState(block);
        return (shared, found, false);
    }

    /// <summary>The receipts of a block as this node shows them, if those up to a transaction can be told.</summary>
    /// <param name="upTo">Index of the transaction that is asked for; null for all.</param>
    /// <exception cref="PrivateStateBehindException">The private side is needed and not there yet.</exception>
    public IReadOnlyList<ReceiptView> Receipts(Block block, int? upTo)
    {
        if (block.Number <= View.PrivateHead) return View.MergedReceipts(block);
        var profile = View.Rules.Profile;
        var needsPrivate = upTo is not { } index ? block.Transactions.Any(t => View.Rules.HasPrivateSide(t, block.Number))
            : block.Transactions[index].IsPrivate
            || (!profile.Rpc.SeparatesPrivateLogIndexes && block.Transactions.Take(index).Any(t => t.IsPrivate));
        if (needsPrivate) View.PrivateState(block.Number);
        return ReceiptView.Merge(block.Transactions, View.PublicReceipts(block.Hash), null, profile);
    }
}
