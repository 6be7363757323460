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
        // Each payload comes with its step.
        _run = new BlockRun(rules, header, author, inputs with { Payloads = null, Votes = null }, keepsPublic: false, waitsForShares: true);
        _input = InputOfNext();
    }

    /// <summary>Index of the transaction that is run next.</summary>
    public int Next { get; private set; }

    public bool IsDone => Next == _transactions.Count && _run.Share is null;

    /// <summary>
    /// What the last transaction shares by a contract extension, while answers are missing: they come before the next transaction.
    /// </summary>
    public StateShareRun? Share => _run.Share;

    /// <summary>
    /// The payload that <see cref="Share"/> or the next transaction needs; null when it needs none: a public one, or one whose data is no
    /// hash. A marker needs its own, and then that of the private transaction in it.
    /// </summary>
    public PayloadHash? Awaited => Share is { } share ? share.Awaited : _input?.Awaited;

    /// <summary>
    /// Whether <see cref="Awaited"/> is named by the chain; false for the payload of a transaction in a marker, and of a share.
    /// </summary>
    public bool AwaitsNamed => Share is null && _input is { Awaited: not null, Inner: null };

    /// <summary>See <see cref="BlockRun.SkippedPayloads"/>; as far as it was run.</summary>
    public IReadOnlyList<PayloadHash> SkippedPayloads => [.. _run.SkippedPayloads, .. _input?.Skipped ?? []];

    /// <summary>Goes on with <see cref="Share"/>.</summary>
    /// <param name="vote">For its <see cref="StateShareRun.AwaitedVote"/>.</param>
    public void Settle(VoteAnswer vote)
    {
        (Share ?? throw new InvalidOperationException("no vote is awaited")).Take(vote);
        _run.ContinueShare();
    }

    /// <summary>See <see cref="PrivateInput.AwaitsMarker"/>.</summary>
    public bool AwaitsMarker => Share is null && _input is { AwaitsMarker: true };

    /// <summary>
    /// Goes on with <see cref="Share"/>, or runs the next transaction, unless with this answer it needs another payload first.
    /// </summary>
    /// <param name="answer">For <see cref="Awaited"/>, a settled one; ignored when that is null.</param>
    /// <exception cref="InvalidBlockException">
    /// The transaction cannot be in the block at its place: the states are not those before the block.
    /// </exception>
    public void Step(PayloadAnswer? answer)
    {
        if (Share is { AwaitedVote: { } vote }) throw new InvalidOperationException($"vote {vote} is to be settled first");
        if (Awaited is { } hash)
        {
            if (answer is not { IsSettled: true }) throw new ArgumentException($"there is no answer for payload {hash}", nameof(answer));
            if (Share is { } share)
            {
                share.Take(answer);
                _run.ContinueShare();
                return;
            }
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

    private PrivateInput? InputOfNext() =>
        Next == _transactions.Count ? null : PrivateInput.Of(_rules, _header.Number, _transactions[Next]);
}
