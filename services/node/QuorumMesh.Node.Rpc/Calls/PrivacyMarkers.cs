using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Chain.Pool;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Calls;

/// <summary>
/// Privacy markers at JSON-RPC (24:internal/ethapi/api.go): a signed private transaction becomes a payload of its own, which a public
/// transaction to the precompile names.
/// </summary>
/// <param name="isOn">Private transactions of this node's accounts are sent behind markers (--privacymarker.enable).</param>
internal sealed class PrivacyMarkers(INode node, bool isOn)
{
    /// <summary>Whether it is sent behind a marker (IsPrivacyMarkerTransactionCreationEnabled).</summary>
    public bool Hides(SendTransactionArguments arguments)
    {
        if (!isOn || !arguments.IsPrivate) return false;
        using var view = node.OpenView();
        return node.Config.HasPrivacyPrecompile(view.Head, node.Profile);
    }

    /// <summary>The marker of a signed private transaction, unsigned; its payload is with the recipients when it comes.</summary>
    /// <exception cref="RpcException">The pool would refuse the private transaction: its parties would run nothing.</exception>
    public async Task<Transaction> WrapAsync(RecoveredTransaction inner, SendTransactionArguments arguments, CancellationToken cancellation)
    {
        RequirePoolable(inner);
        // GoQuorum's encoder ends its text with a line.
        byte[] payload = [.. TransactionText.Encode(inner.Tx), (byte)'\n'];
        var hash = await SendAsync(payload, arguments, cancellation).ConfigureAwait(false);
        using var view = node.OpenView();
        return PrivacyMarker.Of(inner.Tx, hash, view.Rules.IntrinsicRulesAt(view.Head + 1));
    }

    /// <summary>Distributes a signed private transaction for a marker that the caller makes (DistributePrivateTransaction).</summary>
    public Task<PayloadHash> DistributeAsync(RecoveredTransaction inner, SendTransactionArguments arguments, CancellationToken cancellation)
    {
        RequirePoolable(inner);
        return SendAsync(TransactionText.Encode(inner.Tx), arguments, cancellation);
    }

    /// <summary>Public transactions to the precompile that name a payload, and hold nothing else.</summary>
    public bool Is(Transaction transaction)
    {
        if (transaction.Data.Length != PayloadHash.Size) return false;
        using var view = node.OpenView();
        return view.Rules.HasPrivateSide(transaction, view.Head + 1);
    }

    /// <summary>Where this node is a party: that the marker runs something (24:core/tx_pool.go validateTx).</summary>
    /// <exception cref="RpcException">It would run nothing, and why.</exception>
    public async ValueTask RequireRunnableAsync(RecoveredTransaction marker, CancellationToken cancellation)
    {
        if (!node.TransactionManager.Enabled || PrivacyMarker.PayloadOf(marker.Tx) is not { } hash) return;
        // What the manager cannot tell now is no reason against it: other parties may know more.
        var answer = (await node.TransactionManager.ReceiveAsync([hash], cancellation).ConfigureAwait(false))[0];
        if (answer.Payload is not { } payload) return;
        var (inner, fault) = PrivacyMarker.Open(marker, payload);
        if (inner is null) throw new RpcException($"this privacy marker would run nothing: {fault}");
        RequirePoolable(inner);
    }

    private async Task<PayloadHash> SendAsync(byte[] payload, SendTransactionArguments arguments, CancellationToken cancellation)
    {
        // No flag: the private transaction has its own, and the parties of both are the same.
        var send = new SendArguments(payload, arguments.PrivateFrom, arguments.PrivateFor!);
        var answer = await node.TransactionManager.SendAsync(send, cancellation).ConfigureAwait(false);
        node.RememberPayload(answer);
        return answer.Hash;
    }

    private void RequirePoolable(RecoveredTransaction inner)
    {
        using var view = node.OpenView();
        var state = view.PublicState(view.Head);
        var head = new PoolHead(view.Head, view.HeadHeader.GasLimit,
            account => state.GetAccount(account) is { } found ? (found.Nonce, found.Balance) : (0, UInt256.Zero));
        if (PoolRules.Check(inner, head, node.Config, node.Profile) is { } reason) throw new RpcException(reason);
    }
}
