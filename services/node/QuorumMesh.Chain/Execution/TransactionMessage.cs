using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Execution;

/// <summary>What execution needs of a transaction, or of an <c>eth_call</c>.</summary>
public sealed record TransactionMessage
{
    public TransactionType Type { get; init; }

    public Address From { get; init; }

    /// <summary>Null for a creation.</summary>
    public Address? To { get; init; }

    public ulong Nonce { get; init; }

    public UInt256 Value { get; init; }

    public ulong GasLimit { get; init; }

    /// <summary>What one gas really costs: from London on base fee plus tip, capped.</summary>
    public UInt256 GasPrice { get; init; }

    public UInt256 MaxFeePerGas { get; init; }

    public UInt256 MaxPriorityFeePerGas { get; init; }

    /// <summary>Input or init code; the 64-byte payload hash when private.</summary>
    public byte[] Data { get; init; } = [];

    public IReadOnlyList<AccessListEntry> AccessList { get; init; } = [];

    /// <summary>EIP-7702, with the authority of each tuple beside it.</summary>
    public IReadOnlyList<Authorization> AuthorizationList { get; init; } = [];

    /// <summary>As many as the list has tuples; null for one whose signature is not valid.</summary>
    public IReadOnlyList<Address?> Authorities { get; init; } = [];

    public IReadOnlyList<Hash256> BlobHashes { get; init; } = [];

    public UInt256 MaxFeePerBlobGas { get; init; }

    /// <summary>From v 37 or 38; false in a call.</summary>
    public bool IsPrivate { get; init; }

    /// <summary>
    /// A simulation: nonce, sender code, balance for gas, fees and gas price rules are not looked at, and it runs against the private
    /// state directly when one is given.
    /// </summary>
    public bool IsCall { get; init; }

    /// <summary>It has no receiver.</summary>
    public bool IsCreation => To is null;

    /// <summary>The message of a signed transaction.</summary>
    public static TransactionMessage Of(RecoveredTransaction recovered, in UInt256 baseFee)
    {
        Transaction tx = recovered.Tx;
        UInt256 price = tx.GasPrice;
        UInt256 tip = tx.GasPrice;
        if (tx.Type >= TransactionType.DynamicFee)
        {
            tip = tx.MaxPriorityFee;
            price = EffectivePrice(tx.GasPrice, tip, baseFee);
        }

        return new TransactionMessage
        {
            Type = tx.Type,
            From = recovered.Sender,
            To = tx.To,
            Nonce = tx.Nonce,
            Value = tx.Value,
            GasLimit = tx.GasLimit,
            GasPrice = price,
            MaxFeePerGas = tx.GasPrice,
            MaxPriorityFeePerGas = tip,
            Data = tx.Data,
            AccessList = tx.AccessList,
            AuthorizationList = tx.AuthorizationList,
            Authorities = recovered.Authorities,
            IsPrivate = tx.IsPrivate,
        };
    }

    /// <summary>EIP-1559: the tip on top of the base fee, never above the cap.</summary>
    public static UInt256 EffectivePrice(in UInt256 cap, in UInt256 tip, in UInt256 baseFee) =>
        UInt256.AddOverflow(tip, baseFee, out UInt256 sum) || sum > cap ? cap : sum;
}
