using QuorumMesh.Evm;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Chain.Execution;

// Whether a transaction may be in the block at all.
public sealed partial class TransactionProcessor
{
    // EIP-4844; 9 blobs by EIP-7691 in Prague, and 6 for one transaction again by EIP-7594.
    private const ulong GasPerBlob = 131072;
    private const int MaxBlobsCancun = 6;
    private const int MaxBlobsPrague = 9;
    private const byte BlobHashVersion = 1;

    /// <summary>EIP-7825.</summary>
    private const ulong GasCap = 1 << 24;

    private TransactionInvalid Check(TransactionMessage msg, WorldState state, ulong gasPool)
    {
        // GoQuorum's order (2.5:core/state_processor.go, state_transition.go): price, nonce, balance, block gas, intrinsic gas, value.
        // The reason decides whether a minter passes over the transaction alone or its sender (BlockBuilder).
        TransactionInvalid invalid = CheckType(msg);
        if (invalid == TransactionInvalid.None && !msg.IsCall) invalid = CheckPrice(msg);
        if (invalid == TransactionInvalid.None && !msg.IsCall) invalid = CheckSender(msg, state);
        if (invalid == TransactionInvalid.None) invalid = CheckBlobs(msg);
        if (invalid == TransactionInvalid.None) invalid = CheckAuthorizations(msg);
        if (invalid != TransactionInvalid.None) return invalid;
        if (_fork >= Fork.Osaka && _rules.HasGasCap && !msg.IsCall && msg.GasLimit > GasCap) return TransactionInvalid.GasLimitTooHigh;
        if (msg.GasLimit > gasPool) return TransactionInvalid.GasLimitReached;
        ulong intrinsic = IntrinsicOf(msg);
        if (msg.GasLimit < Math.Max(intrinsic, IntrinsicGas.Floor(msg.Data, _fork))) return TransactionInvalid.IntrinsicGas;
        // No account has a private balance to endow a contract with: invalid for parties and strangers alike.
        if (msg.IsPrivate && msg.IsCreation && !msg.Value.IsZero) return TransactionInvalid.InsufficientBalanceForTransfer;
        // Unless the address has got a public account, by a contract's transfer: then the marker fails in the block.
        if (IsValuedMarker(msg) && !state.Exists(PrivacyMarker.Address)) return TransactionInvalid.InsufficientBalanceForTransfer;
        invalid = msg.IsPrivate ? TransactionInvalid.None : CheckValue(msg, state);
        if (invalid != TransactionInvalid.None) return invalid;
        // EIP-3860: twice the limit of deployed code, the chain's own where it has one.
        bool tooLarge = _fork >= Fork.Shanghai && _rules.Evm.LimitCodeSize && msg.IsCreation
            && msg.Data.Length > 2 * _rules.Evm.MaxCodeSize;
        return tooLarge ? TransactionInvalid.InitCodeTooLarge : TransactionInvalid.None;
    }

    private TransactionInvalid CheckType(TransactionMessage msg) => msg.Type switch
    {
        TransactionType.Legacy => TransactionInvalid.None,
        TransactionType.AccessList when _fork >= Fork.Berlin => TransactionInvalid.None,
        TransactionType.DynamicFee when _fork >= Fork.London => TransactionInvalid.None,
        TransactionType.SetCode when _fork >= Fork.Prague => TransactionInvalid.None,
        TransactionType.Blob when _fork >= Fork.Cancun && !_rules.Evm.IsQuorum => TransactionInvalid.None,
        _ => TransactionInvalid.TypeNotSupported,
    };

    private TransactionInvalid CheckPrice(TransactionMessage msg)
    {
        if (_rules.Evm.IsQuorum && !_rules.GasPriceEnabled && !(msg.GasPrice | msg.MaxFeePerGas | msg.MaxPriorityFeePerGas).IsZero)
            return _rules.FeeCapsAreFree && msg.Type != TransactionType.Legacy ? TransactionInvalid.TipAboveFeeCap
                : TransactionInvalid.GasPriceNotZero;
        if (_fork < Fork.London) return TransactionInvalid.None;
        if (msg.MaxPriorityFeePerGas > msg.MaxFeePerGas) return TransactionInvalid.TipAboveFeeCap;
        return msg.MaxFeePerGas < _block.BaseFee ? TransactionInvalid.FeeCapTooLow : TransactionInvalid.None;
    }

    private TransactionInvalid CheckSender(TransactionMessage msg, WorldState state)
    {
        ulong nonce = state.GetNonce(msg.From);
        if (msg.Nonce < nonce) return TransactionInvalid.NonceTooLow;
        if (msg.Nonce > nonce) return TransactionInvalid.NonceTooHigh;
        // EIP-2681.
        if (nonce == ulong.MaxValue) return TransactionInvalid.NonceMax;
        // EIP-3607, with EIP-7702's exception. GoQuorum's geth (1.10.3 at most) is older: its blocks may hold such a sender.
        if (!_rules.Evm.IsQuorum || _fork >= Fork.London)
        {
            Hash256 codeHash = state.GetCodeHash(msg.From);
            bool hasCode = !codeHash.IsZero && codeHash != Hash256.EmptyCode;
            if (hasCode && !(_fork >= Fork.Prague && Delegation.TryParse(state.GetCode(msg.From), out _)))
                return TransactionInvalid.SenderNotEoa;
        }

        // What may be charged at most must be there, also where less is charged (EIP-1559).
        UInt256 cap = msg.MaxFeePerGas > msg.GasPrice ? msg.MaxFeePerGas : msg.GasPrice;
        if (UInt256.MultiplyOverflow(msg.GasLimit, cap, out UInt256 cost)) return TransactionInvalid.InsufficientFunds;
        if (msg.BlobHashes.Count > 0)
        {
            if (UInt256.MultiplyOverflow(BlobGas(msg), msg.MaxFeePerBlobGas, out UInt256 blobs))
                return TransactionInvalid.InsufficientFunds;
            if (UInt256.AddOverflow(cost, blobs, out cost)) return TransactionInvalid.InsufficientFunds;
        }

        UInt256 balance = state.GetBalance(msg.From);
        if (balance < cost) return TransactionInvalid.InsufficientFunds;
        // The value of a private transaction is not paid from the public balance: a lack of it only fails the private side.
        return !msg.IsPrivate && balance - cost < msg.Value ? TransactionInvalid.InsufficientBalanceForTransfer : TransactionInvalid.None;
    }

    private bool IsValuedMarker(TransactionMessage msg) => _rules.MarkersCarryNoValue && !msg.IsPrivate && !msg.IsCall
        && !msg.Value.IsZero && msg.To == PrivacyMarker.Address;

    private static TransactionInvalid CheckValue(TransactionMessage msg, WorldState state) =>
        msg.IsCall && !msg.Value.IsZero && state.GetBalance(msg.From) < msg.Value ? TransactionInvalid.InsufficientBalanceForTransfer
            : TransactionInvalid.None;

    private TransactionInvalid CheckBlobs(TransactionMessage msg)
    {
        if (msg.Type != TransactionType.Blob) return TransactionInvalid.None;
        if (msg.IsCreation) return TransactionInvalid.BlobCreation;
        if (msg.BlobHashes.Count == 0) return TransactionInvalid.BlobsMissing;
        if (msg.BlobHashes.Count > (_fork == Fork.Prague ? MaxBlobsPrague : MaxBlobsCancun)) return TransactionInvalid.TooManyBlobs;
        foreach (Hash256 hash in msg.BlobHashes)
            // The version of a hash of a KZG commitment (EIP-4844).
            if (hash.Bytes[0] != BlobHashVersion)
                return TransactionInvalid.BlobVersion;
        return msg.MaxFeePerBlobGas < _block.BlobBaseFee ? TransactionInvalid.BlobFeeTooLow : TransactionInvalid.None;
    }

    private static TransactionInvalid CheckAuthorizations(TransactionMessage msg)
    {
        if (msg.Authorities.Count != msg.AuthorizationList.Count)
            throw new ArgumentException("The authorities of a message are to be recovered before it is executed.", nameof(msg));
        if (msg.Type != TransactionType.SetCode) return TransactionInvalid.None;
        if (msg.IsCreation) return TransactionInvalid.SetCodeCreation;
        return msg.AuthorizationList.Count == 0 ? TransactionInvalid.AuthorizationsMissing : TransactionInvalid.None;
    }

    private static UInt256 BlobGas(TransactionMessage msg) => GasPerBlob * (ulong)msg.BlobHashes.Count;
}
