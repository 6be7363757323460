using QuorumMesh.Evm;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Chain.Execution;

// EIP-7702: what an authorisation list does before the code runs. It stays done when the code fails.
public sealed partial class TransactionProcessor
{
    private void Authorize(TransactionMessage msg, WorldState state)
    {
        for (int i = 0; i < msg.AuthorizationList.Count; i++)
            if (msg.Authorities[i] is { } authority)
                Authorize(msg.AuthorizationList[i], authority, state);
    }

    private void Authorize(Authorization tuple, in Address authority, WorldState state)
    {
        if (!tuple.ChainId.IsZero && tuple.ChainId != _block.ChainId || tuple.Nonce == ulong.MaxValue) return;
        state.WarmAddress(authority);
        byte[] code = state.GetCode(authority);
        if (code.Length > 0 && !Delegation.TryParse(code, out _) || state.GetNonce(authority) != tuple.Nonce) return;
        if (state.Exists(authority)) state.AddRefund(IntrinsicGas.AuthorizationRefund);
        state.SetCode(authority, tuple.Address.IsZero ? [] : Delegation.Encode(tuple.Address));
        state.SetNonce(authority, tuple.Nonce + 1);
    }
}
