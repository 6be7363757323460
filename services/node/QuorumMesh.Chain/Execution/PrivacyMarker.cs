using QuorumMesh.Chain.Payloads;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Execution;

/// <summary>
/// Privacy marker transactions: public ones to GoQuorum's precompile, whose data names a payload that holds a signed private transaction
/// (24:common/quorum.go, core/vm/contracts_quorum.go). In the public state the precompile costs and does nothing; from Berlin on it is warm
/// (core/vm/contracts.go ActivePrecompiles). Parties run the private transaction at the marker's place, with its sender and nonce.
/// </summary>
public static class PrivacyMarker
{
    /// <summary>Whom a marker goes to.</summary>
    public static Address Address { get; } = Address.Parse("0x000000000000000000000000000000000000007a");

    /// <summary>Public transactions to the precompile's address; whether it is there at a block is the chain's word.</summary>
    public static bool Is(Transaction tx) => tx.To == Address && !tx.IsPrivate;

    /// <summary>What a marker names its payload by: all generations that have markers crop it (private/private.go).</summary>
    public static PayloadHash? PayloadOf(Transaction tx) => Is(tx) ? PayloadNames.Crop(tx.Data) : null;

    /// <summary>The marker of a signed private transaction, to be signed by the same account (createPrivacyMarkerTransaction).</summary>
    /// <param name="hash">What the manager gave for <see cref="TransactionText.Encode"/> of it.</param>
    /// <param name="rules">Of the next block.</param>
    public static Transaction Of(Transaction inner, in PayloadHash hash, IntrinsicRules rules)
    {
        var data = hash.ToArray();
        return new Transaction
        {
            Nonce = inner.Nonce,
            GasPrice = inner.GasPrice,
            GasLimit = IntrinsicGas.Least(data, isCreation: false, rules),
            To = Address,
            Value = inner.Value,
            Data = data,
        };
    }

    /// <summary>The private transaction in a marker's payload, or why the marker runs none (privacyMarker.Run).</summary>
    public static MarkedTransaction Open(RecoveredTransaction marker, byte[] payload)
    {
        Transaction inner;
        try
        {
            inner = TransactionText.Decode(payload);
        }
        catch (FormatException e)
        {
            return new(null, $"its payload holds no transaction: {e.Message}");
        }
        if (!inner.IsPrivate) return new(null, "the transaction in its payload is not a private one");
        // A private signature is the same under every chain's rules.
        if (!TransactionSigner.TryRecover(inner, UInt256.Zero, Fork.Homestead, out var sender) || sender == default
            || sender != marker.Sender)
            return new(null, "the transaction in its payload is signed by another account than the marker");
        return inner.Nonce == marker.Tx.Nonce ? new(new RecoveredTransaction(inner, sender), null)
            : new(null, $"the transaction in its payload has the nonce {inner.Nonce}, the marker {marker.Tx.Nonce}");
    }

    /// <summary>
    /// The payload that the transaction in a marker's payload names, to be asked for ahead; null when there is none. Not what is run:
    /// that says <see cref="Open"/>.
    /// </summary>
    public static PayloadHash? InnerPayloadOf(byte[] payload)
    {
        try
        {
            var inner = TransactionText.Decode(payload);
            return inner.IsPrivate ? PayloadNames.Crop(inner.Data) : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }
}

/// <summary>What a marker's payload holds for its block.</summary>
/// <param name="Inner">The private transaction; null when none can be run.</param>
/// <param name="Fault">Why not; null when it can.</param>
public readonly record struct MarkedTransaction(RecoveredTransaction? Inner, string? Fault);
