using QuorumMesh.Chain.Payloads;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Execution;

/// <summary>A private transaction that changed nothing at this party, with what operators need to find out why.</summary>
/// <param name="Transaction">Hash on the chain: of a marker that of the marker.</param>
/// <param name="Reason">The rest of a sentence that begins with the transaction.</param>
public readonly record struct PrivateRefusal(Hash256 Transaction, string Reason)
{
    /// <summary>Null for a transaction that was run as it was meant.</summary>
    /// <param name="input">What it was run with.</param>
    /// <param name="outcome">Null when nothing private was run.</param>
    /// <param name="gasLimit">The block's.</param>
    public static PrivateRefusal? Of(in Hash256 transaction, PrivateInput input, PrivateOutcome? outcome, ulong gasLimit)
    {
        if (input.Fault is { } fault) return new(transaction, $"is a privacy marker that runs nothing: {fault}");
        if (input.Inner is { } inner && outcome is null)
            return new(transaction, "is a privacy marker that runs nothing: the transaction in its payload "
                + $"({inner.Tx.Hash}) cannot be applied: " + (inner.Tx.GasLimit > gasLimit
                    ? $"its gas limit {inner.Tx.GasLimit} is above the block's, {gasLimit}"
                    : "its gas, price, value or balance does not allow it"));
        return outcome is { Fault: not PrivacyFault.None and var broken, FaultyContract: var contract }
            ? new(transaction, Text(broken, contract, input.Answer)) : null;
    }

    private static string Text(PrivacyFault fault, Address? contract, PayloadAnswer? answer) => $"failed at this party by its privacy flag "
        + $"{(int)(answer?.PrivacyMode ?? PrivacyMode.StandardPrivate)}: " + fault switch
        {
            PrivacyFault.ExecutionHashMissing => "its payload has no execution hash that can be read",
            PrivacyFault.MetadataMissing => $"it touched {contract}, which was made with flag 0 or is not known here",
            PrivacyFault.FlagsDiffer => $"it touched {contract}, which has another flag",
            PrivacyFault.NotProven => $"it touched {contract}, whose creation the sender did not prove to know",
            _ => "the accounts that it touched did not come out as the sender's did",
        };
}
