namespace QuorumMesh.Chain;

/// <summary>
/// What a GoQuorum generation's JSON-RPC does differently from the others'. A profile holds one value of them, and whoever answers
/// a client asks for the behaviour by its name: which version has it stands here alone. What is not said otherwise is what
/// 24:internal/ethapi/api.go does.
/// </summary>
public sealed record RpcRules
{
    /// <summary>GoQuorum 2.3 to 2.5, on geth 1.8.</summary>
    public static RpcRules V2_5 { get; } = new()
    {
        AnswersFailedCalls = true,
        AnswersForUnknownBlocks = true,
        GasWhenAbsent = 90_000,
        HasOldInput = true,
        EstimatesForHashWithoutValue = true,
        FailedEstimate = "gas required exceeds allowance or always failing transaction",
        IntrinsicGasIsOutOfGas = true,
        CallsFromFirstAccount = true,
        PlacesPendingAtZero = true,
        DumpsBareHex = true,
        SeparatesPrivateLogIndexes = true,
    };

    /// <summary>2.6 to 20.10, on geth 1.9.7.</summary>
    public static RpcRules V2_6 { get; } = new()
    {
        AnswersFailedCalls = true,
        FailedEstimate = "gas required exceeds allowance ({0}) or always failing transaction",
        IntrinsicGasIsOutOfGas = true,
        CallsFromFirstAccount = true,
        HasContractExtension = true,
        IstanbulProtocol = 99,
    };

    /// <summary>21.x, on geth 1.9.20.</summary>
    public static RpcRules V21 { get; } = new()
    {
        TellsSignerErrors = true,
        HasContractExtension = true,
        HasContractPrivacyMetadata = true,
        HasIstanbulStatus = true,
        TellsGenesisSigners = true,
    };

    /// <summary>22.x to 24.x, on geth 1.10.</summary>
    public static RpcRules V24 { get; } = V21 with
    {
        KnowsTransactionTypes = true,
        HasPrivacyMarkers = true,
        HasExtensionUuids = true,
        RefusesUnprotected = true,
    };

    /// <summary>
    /// eth_call answers with what output there is also where the code failed (20.10:internal/ethapi/api.go Call, which drops
    /// <c>failed</c>); otherwise with an error, and for a revert with its reason and data (24:internal/ethapi/api.go
    /// newRevertError).
    /// </summary>
    public bool AnswersFailedCalls { get; private init; }

    /// <summary>
    /// Reads of a block that is not there answer null, or 0x for data (2.5:eth/api_backend.go StateAndHeaderByNumber gives no
    /// error); otherwise "header not found".
    /// </summary>
    public bool AnswersForUnknownBlocks { get; private init; }

    /// <summary>
    /// The gas of an eth_sendTransaction that names none (2.5:internal/ethapi/api.go setDefaults); null where it is estimated.
    /// </summary>
    public ulong? GasWhenAbsent { get; private init; }

    /// <summary>
    /// <c>data</c> goes before <c>input</c>, a private transaction's <c>input</c> is not read, and a creation may be without code
    /// (2.5:internal/ethapi/api.go toTransaction). Otherwise both must be equal where both are given.
    /// </summary>
    public bool HasOldInput { get; private init; }

    /// <summary>
    /// eth_estimateGas leaves room for a payload hash also where no <c>value</c> is given (2.5:internal/ethapi/api.go EstimateGas,
    /// whose arguments hold a value of zero then); otherwise only where it is given, and zero (24:internal/ethapi/api.go
    /// DoEstimateGas).
    /// </summary>
    public bool EstimatesForHashWithoutValue { get; private init; }

    /// <summary>
    /// The one text for whatever makes an estimate impossible, {0} the gas limit (20.10:internal/ethapi/api.go DoEstimateGas); null
    /// where the failure is told.
    /// </summary>
    public string? FailedEstimate { get; private init; }

    /// <summary>
    /// A call with less than its intrinsic gas is "out of gas" (20.10:core/state_transition.go useGas); otherwise "intrinsic gas too
    /// low".
    /// </summary>
    public bool IntrinsicGasIsOutOfGas { get; private init; }

    /// <summary>
    /// A call without <c>from</c> is the node's first account's (20.10:internal/ethapi/api.go DoCall); otherwise the zero address's.
    /// </summary>
    public bool CallsFromFirstAccount { get; private init; }

    /// <summary>
    /// A transaction of the pool has block hash 0 and index 0 (2.5:internal/ethapi/api.go newRPCPendingTransaction); otherwise
    /// null.
    /// </summary>
    public bool PlacesPendingAtZero { get; private init; }

    /// <summary>
    /// debug_dumpBlock needs its side, and prints keys without 0x, slot values as RLP, and code and storage also where they are
    /// empty (2.5:core/state/dump.go).
    /// </summary>
    public bool DumpsBareHex { get; private init; }

    /// <summary>
    /// Private logs have a counter of their own within the block, so that indexes repeat (2.5:core/state/statedb.go AddLog);
    /// otherwise one counter over the merged receipts.
    /// </summary>
    public bool SeparatesPrivateLogIndexes { get; private init; }

    /// <summary>
    /// eth_protocolVersion of an Istanbul node: istanbul/64, where 2.6 put istanbul/99 first (2.6:consensus/protocol.go).
    /// </summary>
    public ulong IstanbulProtocol { get; private init; } = 64;

    /// <summary>
    /// The sender is recovered before the pool is asked (21:internal/ethapi/api.go SubmitTransaction), and the signer's own error
    /// is what the client sees.
    /// </summary>
    public bool TellsSignerErrors { get; private init; }

    /// <summary><c>eth_getContractPrivacyMetadata</c> (21:internal/ethapi/api.go).</summary>
    public bool HasContractPrivacyMetadata { get; private init; }

    /// <summary>The namespace <c>quorumExtension</c> (2.6:extension/api.go).</summary>
    public bool HasContractExtension { get; private init; }

    /// <summary><c>quorumExtension_generateExtensionApprovalUuid</c> (24:extension/api.go).</summary>
    public bool HasExtensionUuids { get; private init; }

    /// <summary><c>istanbul_status</c> and <c>istanbul_isValidator</c> (21:consensus/istanbul/backend/api.go).</summary>
    public bool HasIstanbulStatus { get; private init; }

    /// <summary>
    /// <c>istanbul_getSignersFromBlock</c> of the genesis block gives the zero author, and no committers; otherwise "recovery
    /// failed" (2.5:consensus/istanbul/backend/api.go GetSignersFromBlock).
    /// </summary>
    public bool TellsGenesisSigners { get; private init; }

    /// <summary>
    /// EIP-2718: typed transactions are read, and <c>type</c> and what belongs to it shown (24:core/types/transaction.go,
    /// 24:internal/ethapi/api.go newRPCTransaction).
    /// </summary>
    public bool KnowsTransactionTypes { get; private init; }

    /// <summary>
    /// <c>eth_getPrivacyPrecompileAddress</c>, <c>eth_getPrivateTransactionByHash</c> and <c>eth_getPrivateTransactionReceipt</c>
    /// (24:internal/ethapi/api.go).
    /// </summary>
    public bool HasPrivacyMarkers { get; private init; }

    /// <summary>
    /// Transactions without a chain id are refused (24:internal/ethapi/api.go SubmitTransaction). Blocks and peers may have them
    /// all the same.
    /// </summary>
    public bool RefusesUnprotected { get; private init; }
}
