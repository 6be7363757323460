namespace QuorumMesh.Evm;

/// <summary>Prices that are not in the opcode table, in gas.</summary>
internal static class GasPrices
{
    // Yellow Paper, appendix G, unless an EIP is named.
    public const long Word = 3;
    public const long KeccakWord = 6;
    public const long LogByte = 8;
    public const long CallValue = 9000;
    public const long CallStipend = 2300;
    public const long NewAccount = 25000;
    public const long CodeByte = 200;
    // EIP-3860.
    public const long InitCodeWord = 2;

    // EIP-2929
    public const long Warm = 100;
    public const long ColdAccount = 2600;
    public const long ColdSlot = 2100;

    public const long StorageSet = 20000;
    public const long StorageReset = 5000;
    public const ulong StorageClearRefund = 15000;

    /// <summary>EIP-3529.</summary>
    public const ulong StorageClearRefundLondon = 4800;
    public const ulong SelfDestructRefund = 24000;
}
