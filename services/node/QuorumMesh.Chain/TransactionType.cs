namespace QuorumMesh.Chain;

/// <summary>EIP-2718 transaction types.</summary>
public enum TransactionType : byte
{
    Legacy = 0,
    /// <summary>EIP-2930</summary>
    AccessList = 1,
    /// <summary>EIP-1559</summary>
    DynamicFee = 2,
    /// <summary>EIP-4844; never valid in a block or the pool here.</summary>
    Blob = 3,
    /// <summary>EIP-7702</summary>
    SetCode = 4,
}
