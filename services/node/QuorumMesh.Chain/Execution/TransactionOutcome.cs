using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Execution;

/// <param name="Success">Of the private receipt.</param>
/// <param name="Created">Address of a creation, failed or not.</param>
public readonly record struct PrivateOutcome(bool Success, EvmStatus Status, byte[] Output, Address? Created, IReadOnlyList<LogEntry> Logs)
{
    /// <summary>Set when the code ran and its effects were taken back.</summary>
    public PrivacyFault Fault { get; init; }

    /// <summary>Where it was found; null for a fault of the whole transaction.</summary>
    public Address? FaultyContract { get; init; }
}

/// <param name="PublicSuccess">Status of the public receipt; always true for a private transaction.</param>
/// <param name="GasUsed">Of the receipt: 0 for a private transaction.</param>
/// <param name="PoolGasUsed">What the block's gas pool loses: for a private transaction the intrinsic gas.</param>
/// <param name="Private">Null for a public transaction, and when the private side was not run.</param>
/// <param name="Output">Of the public run.</param>
/// <param name="Logs">Of the public run.</param>
public readonly record struct TransactionOutcome(
    TransactionInvalid Invalid,
    bool PublicSuccess,
    ulong GasUsed,
    ulong PoolGasUsed,
    PrivateOutcome? Private,
    byte[] Output,
    EvmStatus Status,
    Address? Created,
    IReadOnlyList<LogEntry> Logs)
{
    public static TransactionOutcome Rejected(TransactionInvalid reason) => new(reason, false, 0, 0, null, [], EvmStatus.Success, null, []);
}
