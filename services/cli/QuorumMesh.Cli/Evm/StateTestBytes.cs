using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Cli.Evm;

/// <summary>Holds a state test's signed transaction against the fields it was made of: the codec and the recovery of its signers.</summary>
internal static class StateTestBytes
{
    /// <summary>Null when they agree.</summary>
    /// <param name="bytes">The consensus form.</param>
    public static string? Check(byte[] bytes, TransactionMessage message, Fork fork)
    {
        // Blob transactions have no place in our chains, so nothing decodes them.
        if (message.Type == TransactionType.Blob) return null;
        Transaction tx;
        try
        {
            tx = Transaction.Decode(bytes);
        }
        catch (FormatException e)
        {
            return $"txbytes do not decode: {e.Message}";
        }

        if (TransactionSigner.Recover(tx, SenderRules.For(UInt256.One, fork, privateTransactions: false)) is not { } recovered)
            return "txbytes have no valid sender";
        TransactionMessage read = TransactionMessage.Of(recovered, UInt256.Zero);
        if (read.From != message.From) return $"txbytes are from {read.From}, expected {message.From}";
        bool same = read.Type == message.Type && read.To == message.To && read.Nonce == message.Nonce && read.Value == message.Value
            && read.GasLimit == message.GasLimit
            && read.MaxFeePerGas == message.MaxFeePerGas && read.MaxPriorityFeePerGas == message.MaxPriorityFeePerGas
                && read.Data.AsSpan().SequenceEqual(message.Data)
            && read.AuthorizationList.SequenceEqual(message.AuthorizationList) && read.Authorities.SequenceEqual(message.Authorities)
            && read.AccessList.Count == message.AccessList.Count;
        if (!same) return "txbytes differ from the transaction's fields";
        // Without what decoding remembers.
        return tx.WithSignature(tx.V, tx.R, tx.S).EncodedSpan.SequenceEqual(bytes) ? null
            : "txbytes come out differently when written again";
    }
}
