using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Primitives;

namespace QuorumMesh.Tests.Shared;

/// <summary>A fixed list as a source of candidates.</summary>
internal sealed class TransactionList(IReadOnlyList<RecoveredTransaction> transactions) : ITransactionSource
{
    private readonly HashSet<Address> _popped = [];
    private int _next;

    /// <inheritdoc/>
    public RecoveredTransaction? Peek()
    {
        while (_next < transactions.Count && _popped.Contains(transactions[_next].Sender))
            _next++;
        return _next < transactions.Count ? transactions[_next] : null;
    }

    /// <inheritdoc/>
    public void Shift() => _next++;

    /// <inheritdoc/>
    public void Pop()
    {
        if (Peek() is { } transaction)
            _popped.Add(transaction.Sender);
    }
}
