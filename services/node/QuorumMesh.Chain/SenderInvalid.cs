namespace QuorumMesh.Chain;

/// <summary>Why a transaction has no valid sender at a block. GoQuorum calls each of them <c>invalid sender</c>.</summary>
public enum SenderInvalid
{
    /// <summary>The sender is known.</summary>
    None,

    /// <summary>The fork does not know this transaction type.</summary>
    TypeNotSupported,

    /// <summary>V, or the field of a typed transaction, names another chain.</summary>
    ChainId,

    /// <summary>V, R or S is out of its range.</summary>
    SignatureValues,

    /// <summary>R is no point of the curve, or the key would be the point at infinity.</summary>
    NotRecoverable,
}
