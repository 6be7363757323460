using QuorumMesh.Chain;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Runtime;

namespace QuorumMesh.Node.Rpc.Calls;

/// <summary>
/// Refuses transactions whose signature holds no chain id: anybody can send them again on every network where the account has that
/// nonce, and where gas costs nothing it takes no balance. Private ones (v 37/38) hold none either, and pass: their payload hash means
/// nothing elsewhere.
/// </summary>
/// <param name="allowsUnprotected">The operator's word (<c>--rpc.allow-unprotected-txs</c>).</param>
internal sealed class ReplayProtection(INode node, bool allowsUnprotected)
{
    private readonly bool _isRequired = !allowsUnprotected && (node.Profile.Rpc.RefusesUnprotected || node.Config.Mesh is not null);

    /// <exception cref="RpcException">With GoQuorum's text (24:internal/ethapi/api.go SubmitTransaction).</exception>
    public void Require(Transaction transaction)
    {
        if (_isRequired && !transaction.IsProtected && !transaction.IsPrivate)
            throw new RpcException("only replay-protected (EIP-155) transactions allowed over RPC");
    }
}
