using QuorumMesh.Primitives;
using QuorumMesh.State.Store;

namespace QuorumMesh.Chain.Execution;

/// <summary>
/// What transactions read of the public state whatever their code does: sender, recipient, what access lists name. Read together before
/// they run, it takes a part of the time that it takes one by one.
/// </summary>
public static class KnownReads
{
    /// <summary>Of transactions that come in, which nobody has paid for yet: senders and recipients, one each.</summary>
    public static void Ahead(StateStore publicState, IEnumerable<RecoveredTransaction> transactions) =>
        publicState.ReadAhead(transactions.SelectMany(Parties), []);

    /// <summary>Of the transactions of a block, which pays for its access lists with its gas.</summary>
    public static void AheadOfBlock(StateStore publicState, IReadOnlyList<RecoveredTransaction> transactions) =>
        publicState.ReadAhead(transactions.SelectMany(Accounts), transactions.SelectMany(Slots));

    private static IEnumerable<Address> Parties(RecoveredTransaction transaction)
    {
        yield return transaction.Sender;
        // A private transaction's recipient is an account of the private state.
        if (transaction.Tx is { To: { } to, IsPrivate: false }) yield return to;
    }

    private static IEnumerable<Address> Accounts(RecoveredTransaction transaction) =>
        Parties(transaction).Concat(transaction.Tx.AccessList.Select(static e => e.Address));

    private static IEnumerable<(Address Address, UInt256 Slot)> Slots(RecoveredTransaction transaction) =>
        transaction.Tx.AccessList.SelectMany(static e => e.StorageKeys.Select(key => (e.Address, key)));
}
