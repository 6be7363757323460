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
        // A tuple that fails is passed over alone; the transaction and the other tuples stand (EIP-7702).
        if (!tuple.ChainId.IsZero && tuple.ChainId != _block.ChainId || tuple.Nonce == ulong.MaxValue) return;
        // Warm before the checks that follow: it stays so where they fail.
        state.WarmAddress(authority);
        byte[] code = state.GetCode(authority);
        if (code.Length > 0 && !Delegation.TryParse(code, out _) || state.GetNonce(authority) != tuple.Nonce) return;
        // PerAuthorization has paid for making the account; it was there already.
        if (state.Exists(authority)) state.AddRefund(IntrinsicGas.AuthorizationRefund);
        // The zero address takes a delegation back.
        state.SetCode(authority, tuple.Address.IsZero ? [] : Delegation.Encode(tuple.Address));
        state.SetNonce(authority, tuple.Nonce + 1);
    }
}
