namespace QuorumMesh.Chain.Pool;

/// <summary>GoQuorum's words; clients compare them.</summary>
public static class PoolErrors
{
    public const string Oversized = "oversized data";
    public const string GasPriceNotZero = "Gas price not 0";
    public const string GasLimit = "exceeds block gas limit";
    public const string InvalidSender = "invalid sender";
    public const string PrivateValue = "ether value is not supported for private transactions";
    /// <summary>QuorumMesh's own: GoQuorum takes such a transaction and never mines it.</summary>
    public const string MarkerValue = "a privacy marker carries no value: no block can have it";

    public const string NonceTooLow = "nonce too low";
    public const string InsufficientFunds = "insufficient funds for gas * price + value";
    public const string IntrinsicGas = "intrinsic gas too low";
    public const string ReplacementUnderpriced = "replacement transaction underpriced";
    /// <summary>What GoQuorum answers when the pool has no room for a stranger's transaction.</summary>
    public const string Underpriced = "transaction underpriced";
    public const string Full = "txpool is full";
}
