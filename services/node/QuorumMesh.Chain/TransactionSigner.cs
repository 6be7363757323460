using QuorumMesh.Chain.Execution;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain;

/// <summary>Which signatures are accepted at a block.</summary>
/// <param name="Homestead">s must be in the lower half (EIP-2).</param>
/// <param name="PrivateTransactions">V 37/38 means private (isQuorum); otherwise it is EIP-155 of chain id 1.</param>
public readonly record struct SenderRules(UInt256 ChainId, bool Homestead, bool Eip155, bool Berlin, bool London, bool Prague,
    bool PrivateTransactions)
{
    public static SenderRules For(in UInt256 chainId, Fork fork, bool privateTransactions = true) => new(
        chainId, fork >= Fork.Homestead, fork >= Fork.SpuriousDragon, fork >= Fork.Berlin, fork >= Fork.London, fork >= Fork.Prague,
        privateTransactions);
}

/// <summary>Signatures of transactions: Homestead, EIP-155, GoQuorum's private form, EIP-2930, EIP-1559 and EIP-7702.</summary>
public static class TransactionSigner
{
    private const int PrivateV = 37;

    public static bool TryRecover(Transaction tx, in UInt256 chainId, Fork fork, out Address sender) =>
        TryRecover(tx, SenderRules.For(chainId, fork), out sender);

    /// <summary>False for what GoQuorum calls <c>invalid sender</c>.</summary>
    public static bool TryRecover(Transaction tx, in SenderRules rules, out Address sender) =>
        Recover(tx, rules, out sender) == SenderInvalid.None;

    /// <summary>The sender, or why there is none.</summary>
    public static SenderInvalid Recover(Transaction tx, in SenderRules rules, out Address sender)
    {
        sender = default;
        var invalid = GetSigned(tx, rules, out var recoveryId, out var hash);
        if (invalid != SenderInvalid.None)
            return invalid;
        if (!IsValidSignature(tx, rules.Homestead || tx.IsPrivate))
            return SenderInvalid.SignatureValues;
        Span<byte> bytes = stackalloc byte[96];
        hash.CopyTo(bytes);
        tx.R.WriteBigEndian(bytes.Slice(32, 32));
        tx.S.WriteBigEndian(bytes.Slice(64, 32));
        return Secp256k1.TryRecoverAddress(bytes[..32], bytes[32..], recoveryId, out sender) ? SenderInvalid.None
            : SenderInvalid.NotRecoverable;
    }

    /// <summary>Null when the sender is not valid.</summary>
    public static RecoveredTransaction? Recover(Transaction tx, in SenderRules rules) =>
        TryRecover(tx, rules, out var sender) ? new RecoveredTransaction(tx, sender) { Authorities = RecoverAuthorities(tx) } : null;

    /// <summary>
    /// One for each tuple of the authorisation list, null where the signature is not valid. Of a list that the gas limit does not
    /// pay for none is looked at: the transaction is refused for its gas, whoever signed.
    /// </summary>
    public static IReadOnlyList<Address?> RecoverAuthorities(Transaction tx)
    {
        if (tx.AuthorizationList.Count == 0)
            return [];
        var authorities = new Address?[tx.AuthorizationList.Count];
        if ((ulong)authorities.Length > tx.GasLimit / IntrinsicGas.PerAuthorization)
            return authorities;
        for (var i = 0; i < authorities.Length; i++)
            authorities[i] = tx.AuthorizationList[i].TryRecover(out var authority) ? authority : null;
        return authorities;
    }

    /// <summary>Signs with a key; a chain id selects EIP-155 for legacy transactions, null the Homestead form.</summary>
    public static Transaction Sign(Transaction tx, ReadOnlySpan<byte> privateKey, UInt256? chainId = null) =>
        WithSignature(tx, SignHash(privateKey, tx.SigningHash(chainId)), chainId);

    /// <summary>Signs as GoQuorum's private form: Homestead hash, V 37 or 38.</summary>
    public static Transaction SignPrivate(Transaction tx, ReadOnlySpan<byte> privateKey) =>
        WithPrivateSignature(tx, SignHash(privateKey, tx.SigningHash()));

    /// <summary>Puts a signature r‖s‖recId (65 bytes) made over <see cref="Transaction.SigningHash"/> with the same chain id.</summary>
    public static Transaction WithSignature(Transaction tx, ReadOnlySpan<byte> signature65, UInt256? chainId)
    {
        var (r, s, recoveryId) = Split(signature65);
        var v = tx.Type != TransactionType.Legacy ? (UInt256)recoveryId
            : chainId is { } id ? id * 2u + 35u + (UInt256)recoveryId
            : (UInt256)(27 + recoveryId);
        return tx.WithSignature(v, r, s);
    }

    public static Transaction WithPrivateSignature(Transaction tx, ReadOnlySpan<byte> signature65)
    {
        if (tx.Type != TransactionType.Legacy)
            throw new ArgumentException("a private transaction is always a legacy one", nameof(tx));
        var (r, s, recoveryId) = Split(signature65);
        return tx.WithSignature(PrivateV + recoveryId, r, s);
    }

    /// <summary>GoQuorum's SetPrivate: 28 becomes 38, anything else 37.</summary>
    public static Transaction MarkPrivate(Transaction tx) => tx.WithSignature(tx.V == 28u ? 38u : 37u, tx.R, tx.S);

    private static SenderInvalid GetSigned(Transaction tx, in SenderRules rules, out int recoveryId, out Hash256 hash)
    {
        recoveryId = 0;
        hash = default;
        if (tx.Type != TransactionType.Legacy)
        {
            if (!IsActive(tx.Type, rules))
                return SenderInvalid.TypeNotSupported;
            if (tx.TypedChainId != rules.ChainId)
                return SenderInvalid.ChainId;
            if (tx.V > 1u)
                return SenderInvalid.SignatureValues;
            recoveryId = (int)tx.V;
            hash = tx.SigningHash();
            return SenderInvalid.None;
        }
        if (rules.PrivateTransactions && tx.IsPrivate)
        {
            recoveryId = (int)tx.V - PrivateV;
            hash = tx.SigningHash();
            return SenderInvalid.None;
        }
        if (tx.V == 27u || tx.V == 28u)
        {
            recoveryId = (int)tx.V - 27;
            hash = tx.SigningHash();
            return SenderInvalid.None;
        }
        var first = rules.ChainId * 2u + 35u;
        // From EIP-155 on whatever V there is names a chain, also below 35, but 0 and 1 (geth's isProtectedV).
        if (!rules.Eip155 || tx.V <= 1u)
            return SenderInvalid.SignatureValues;
        if (tx.V != first && tx.V != first + 1u)
            return SenderInvalid.ChainId;
        recoveryId = (int)(tx.V - first);
        hash = tx.SigningHash(rules.ChainId);
        return SenderInvalid.None;
    }

    private static bool IsActive(TransactionType type, in SenderRules rules) => type switch
    {
        TransactionType.AccessList => rules.Berlin,
        TransactionType.DynamicFee => rules.London,
        TransactionType.SetCode => rules.Prague,
        _ => false,
    };

    private static bool IsValidSignature(Transaction tx, bool lowS) =>
        !tx.R.IsZero && !tx.S.IsZero && tx.R < Secp256k1.Order && (lowS ? tx.S <= Secp256k1.HalfOrder : tx.S < Secp256k1.Order);

    private static byte[] SignHash(ReadOnlySpan<byte> privateKey, in Hash256 hash)
    {
        Span<byte> bytes = stackalloc byte[Hash256.Size];
        hash.CopyTo(bytes);
        return Secp256k1.Sign(privateKey, bytes);
    }

    private static (UInt256 R, UInt256 S, int RecoveryId) Split(ReadOnlySpan<byte> signature)
    {
        if (signature.Length != 65 || signature[64] > 1)
            throw new ArgumentException("expected a signature of 65 bytes: r, s, and recovery id 0 or 1", nameof(signature));
        return (UInt256.FromBigEndian(signature[..32]), UInt256.FromBigEndian(signature.Slice(32, 32)), signature[64]);
    }
}
