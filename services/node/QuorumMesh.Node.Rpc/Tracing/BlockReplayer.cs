using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Chain.Tracing;
using QuorumMesh.Node.Rpc.Api;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Tracing;

/// <summary>
/// Brings the states to a transaction's place in its block: from the parent block's, which must still be kept, through the
/// transactions before it. The private side runs along when it is wanted, with the payloads that this node's manager gives: a
/// stranger to a transaction sees as little of it as when it was executed.
/// </summary>
internal sealed class BlockReplayer(INode node, NodeReader reader)
{
    /// <summary>As many at once as there are processors but one, so that they cannot starve the node.</summary>
    private readonly SemaphoreSlim _slots = new(Math.Max(1, Environment.ProcessorCount - 1));

    private ChainRules Rules
    {
        get
        {
            using var view = node.OpenView();
            return view.Rules;
        }
    }

    /// <param name="find">The block and which part of it.</param>
    /// <param name="withPrivate">Null runs the private side when a transaction of interest is private.</param>
    /// <param name="use">Gets the states before the first transaction of interest, and the view they are of.</param>
    public async ValueTask RunAsync(RpcCall call, Func<ReadScope, ReplayTarget> find, bool? withPrivate,
        Action<NodeView, BlockReplay, ReplayTarget> use)
    {
        var (target, isPrivate) = await reader.ReadAsync(call.Cancellation, scope =>
        {
            var found = find(scope);
            if (found.Block.Number == 0) throw new RpcException("genesis is not traceable");
            var both = withPrivate ?? !found.IsPublic;
            if (both) RequirePrivate(scope.View, found.Block);
            return (found, both);
        }).ConfigureAwait(false);
        var payloads = isPrivate ? await PayloadsAsync(target, call.Cancellation).ConfigureAwait(false) : [];
        await _slots.WaitAsync(call.Cancellation).ConfigureAwait(false);
        try
        {
            using var view = node.OpenView();
            Use(view, target, isPrivate ? payloads : null, use, call.Cancellation);
        }
        finally
        {
            _slots.Release();
        }
    }

    /// <summary>A stored block's private side has been run; a block that is given needs the side of its parent.</summary>
    private static void RequirePrivate(NodeView view, Block block) =>
        view.PrivateState(view.Header(block.Hash) is null ? block.Number - 1 : block.Number);

    private static void Use(NodeView view, ReplayTarget target, IReadOnlyDictionary<PayloadHash, PayloadAnswer>? payloads,
        Action<NodeView, BlockReplay, ReplayTarget> use, CancellationToken cancellation)
    {
        var header = target.Block.Header;
        if (view.Header(header.ParentHash) is not { } parent || parent.Number + 1 != header.Number) throw NotFound.Parent(view, header);
        try
        {
            var privateState = payloads is null ? null : view.PrivateState(parent.Number);
            var replay = new BlockReplay(
                view.Rules, header, new(view.PublicState(parent.Number), privateState, view.BlockHash,
                    hash => payloads?.GetValueOrDefault(hash)), cancellation);
            for (var i = 0; i < target.First; i++)
            {
                cancellation.ThrowIfCancellationRequested();
                replay.Advance(replay.Apply(Recovered(view, target.Block, i)));
            }
            use(view, replay, target);
        }
        catch (InvalidBlockException e)
        {
            throw new RpcException($"tracing failed: {e.Message}");
        }
    }

    /// <exception cref="RpcException">The block was given by the caller, and the signature is not valid.</exception>
    public static RecoveredTransaction Recovered(NodeView view, Block block, int index)
    {
        try
        {
            return view.Recover(block.Transactions[index], block.Number);
        }
        catch (ChainCorruptException) when (view.Header(block.Hash) is null)
        {
            throw new RpcException($"tracing failed: transaction {block.Transactions[index].Hash}: invalid sender");
        }
    }

    private async ValueTask<Dictionary<PayloadHash, PayloadAnswer>> PayloadsAsync(ReplayTarget target, CancellationToken cancellation)
    {
        var payloads = new Dictionary<PayloadHash, PayloadAnswer>();
        await FetchAsync(target, target.PayloadsOf(Rules), payloads, cancellation).ConfigureAwait(false);
        // What is in the payload of a marker names one of its own.
        var inner = target.MarkersOf(Rules).Select(hash => payloads[hash].Payload).OfType<byte[]>()
            .Select(PrivacyMarker.InnerPayloadOf).OfType<PayloadHash>().Distinct().Where(hash => !payloads.ContainsKey(hash)).ToList();
        await FetchAsync(target, inner, payloads, cancellation).ConfigureAwait(false);
        return payloads;
    }

    /// <summary>Payloads that are large together come in several answers, in the order of the question.</summary>
    private async ValueTask FetchAsync(ReplayTarget target, IReadOnlyList<PayloadHash> hashes,
        Dictionary<PayloadHash, PayloadAnswer> payloads, CancellationToken cancellation)
    {
        for (var done = 0; done < hashes.Count;)
        {
            var answers = await node.TransactionManager.ReceiveAsync([.. hashes.Skip(done)], cancellation).ConfigureAwait(false);
            foreach (var answer in answers) payloads[answer.Hash] = answer.IsSettled ? answer : throw Unavailable(target.Block, answer);
            done += Math.Max(1, answers.Count);
        }
    }

    private static RpcException Unavailable(Block block, PayloadAnswer answer) =>
        new($"block {block.Number} cannot be executed again: payload {answer.Hash} is not available: {answer.Reason}");
}
