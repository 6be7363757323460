using QuorumMesh.Chain.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Chain.Execution;

/// <summary>
/// A canonical block run again for its private side, transaction by transaction: each takes its payload when its turn comes and
/// lets go of it, so that no more than one need be at hand. The public side runs along on the state before the block, because
/// private code reads the public state of its own place; its result is thrown away.
/// </summary>
public sealed class PrivateExecution
{
    private readonly BlockHeader _header;
    private readonly IReadOnlyList<RecoveredTransaction> _transactions;
    private readonly ChainRules _rules;
    private readonly BlockRun _run;
    private PrivateInput? _input;

    /// <param name="inputs">With the private state before the block. Their payloads are not asked for: each comes with its step.</param>
    public PrivateExecution(
        ChainRules rules, BlockHeader header, IReadOnlyList<RecoveredTransaction> transactions, ExecutionInputs<IStateReader> inputs)
    {
        if (inputs.PrivateState is null) throw new ArgumentException("the private side needs its state before the block", nameof(inputs));
        (_rules, _header, _transactions) = (rules, header, transactions);
        var author = rules.EngineAt(header.Number).Author(header);
        _run = new BlockRun(rules, header, author, inputs with { Payloads = null }, keepsPublic: false);
        _input = InputOfNext();
    }

    /// <summary>Index of the transaction that is run next.</summary>
    public int Next { get; private set; }

    public bool IsDone => Next == _transactions.Count;

    /// <summary>
    /// The payload that the next transaction needs; null when it needs none: a public one, or one whose data is no hash. A marker needs its
    /// own, and then that of the private transaction in it.
    /// </summary>
    public PayloadHash? Awaited => _input?.Awaited;

    /// <summary>Whether <see cref="Awaited"/> is named by the chain; false for the payload of a transaction in a marker.</summary>
    public bool AwaitsNamed => _input is { Awaited: not null, Inner: null };

    /// <summary>See <see cref="BlockRun.SkippedPayloads"/>; as far as it was run.</summary>
    public IReadOnlyList<PayloadHash> SkippedPayloads => [.. _run.SkippedPayloads, .. _input?.Skipped ?? []];

    /// <summary>See <see cref="PrivateInput.AwaitsMarker"/>.</summary>
    public bool AwaitsMarker => _input is { AwaitsMarker: true };

    /// <summary>Runs the next transaction, unless with this answer it needs another payload first.</summary>
    /// <param name="answer">For <see cref="Awaited"/>, a settled one; ignored when that is null.</param>
    /// <exception cref="InvalidBlockException">
    /// The transaction cannot be in the block at its place: the states are not those before the block.
    /// </exception>
    public void Step(PayloadAnswer? answer)
    {
        if (Awaited is { } hash)
        {
            if (answer is not { IsSettled: true }) throw new ArgumentException($"there is no answer for payload {hash}", nameof(answer));
            _input!.Take(answer);
            if (Awaited is not null) return;
        }
        var transaction = _transactions[Next];
        var invalid = _run.ApplyWith(_input, transaction);
        if (invalid != TransactionInvalid.None)
            throw new InvalidBlockException(
                $"block {_header.Number} is invalid: transaction {transaction.Tx.Hash}: {TransactionInvalidText.Of(invalid)}");
        Next++;
        _input = InputOfNext();
    }

    /// <summary>After the last transaction: what the block does to the private state.</summary>
    /// <exception cref="InvalidBlockException">The public side does not come out as the header says.</exception>
    public BlockExecution Complete()
    {
        if (!IsDone)
            throw new InvalidOperationException($"block {_header.Number} is run up to transaction {Next} of {_transactions.Count}");
        var execution = _run.Complete();
        // The public result was checked at import. If it comes out otherwise, the private one rests on a wrong public state.
        if (execution.GasUsed != _header.GasUsed)
            throw new InvalidBlockException($"replay of block {_header.Number} used {execution.GasUsed} gas, its header says "
                + $"{_header.GasUsed}: the state it ran on is not the one before the block");
        return execution;
    }

    private PrivateInput? InputOfNext() => IsDone ? null : PrivateInput.Of(_rules, _header.Number, _transactions[Next]);
}
