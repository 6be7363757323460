using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Chain.Tracing;

/// <summary>
/// Executes the transactions of a block once more, one after the other, for tracers to watch. Each runs on states of its own, so
/// that the states before it and its changes are at hand. Keeps nothing.
/// </summary>
public sealed class BlockReplay
{
    private readonly BlockHeader _header;
    private readonly TransactionProcessor _processor;
    private readonly ExecutionInputs<IStateReader> _inputs;
    private readonly bool _hasExtension;
    private ulong _gasLeft;
    private string? _stoppedBy;

    /// <param name="inputs">Without a private state private transactions are run for their public effects alone.</param>
    /// <param name="stop">Ends a running transaction, watched or not.</param>
    public BlockReplay(ChainRules rules, BlockHeader header, ExecutionInputs<IStateReader> inputs, CancellationToken stop = default)
    {
        (_header, _hasExtension) = (header, rules.Profile.HasContractExtension);
        Fork = rules.ForkAt(header.Number);
        var context = rules.ContextOf(header, rules.EngineAt(header.Number).Author(header), inputs.BlockHash);
        _processor = new TransactionProcessor(context, Fork, rules.TransactionRulesAt(header.Number),
            stop: stop.CanBeCanceled ? () => stop.IsCancellationRequested : null);
        _inputs = inputs;
        _gasLeft = header.GasLimit;
        PublicState = new StateOverlay(inputs.PublicState);
        PrivateState = inputs.PrivateState is { } privateState ? new StateOverlay(privateState) : null;
        if (Fork >= Evm.Fork.Prague)
            RecordParentHash();
    }

    public Fork Fork { get; }

    /// <summary>Before the next transaction.</summary>
    public StateOverlay PublicState { get; }

    /// <summary>Before the next transaction.</summary>
    public StateOverlay? PrivateState { get; }

    /// <exception cref="InvalidBlockException">
    /// The transaction cannot be in the block at its place, or its payload is not there.
    /// </exception>
    public ReplayedTransaction Apply(RecoveredTransaction transaction, IEvmTracer? tracer = null)
    {
        var tx = transaction.Tx;
        if (tx.IsPrivate && _stoppedBy is { } reason)
            throw new InvalidBlockException($"transaction {tx.Hash} cannot be run again: {reason}");
        var shared = new WorldState(PublicState);
        var own = PrivateState is { } state && tx.IsPrivate ? new WorldState(state) : null;
        var answer = own is null ? null : AnswerFor(tx);
        var outcome = _processor.Execute(TransactionMessage.Of(transaction, UInt256.Zero), shared, own, answer, ref _gasLeft, tracer);
        if (outcome.Invalid != TransactionInvalid.None)
            throw new InvalidBlockException(
                $"transaction {tx.Hash} cannot be at its place in block {_header.Number}: {TransactionInvalidText.Of(outcome.Invalid)}");
        return new ReplayedTransaction(outcome, shared.TakeChanges(), own?.TakeChanges());
    }

    /// <summary>Moves the states on to after the transaction.</summary>
    public void Advance(ReplayedTransaction replayed)
    {
        PublicState.Apply(replayed.PublicChanges);
        if (replayed.PrivateChanges is { } changes) PrivateState!.Apply(changes);
        if (_hasExtension && replayed.Outcome.Private is { Logs.Count: > 0 } own && PrivateState is { } state) TakeShare(own, state);
    }

    private void TakeShare(PrivateOutcome own, StateOverlay privateState)
    {
        var state = new WorldState(privateState);
        if (StateShareRun.Of(own.Logs, state, Fork >= Evm.Fork.SpuriousDragon) is not { } share) return;
        share.TakeAll(_inputs);
        if (share.IsDone) privateState.Apply(state.TakeChanges());
        else _stoppedBy = $"a contract's state was shared before it in its block, and payload {share.Awaited ?? share.AwaitedVote} with it "
            + "is not at hand";
    }

    private void RecordParentHash()
    {
        var state = new WorldState(PublicState);
        BlockHashHistory.Record(state, _header);
        PublicState.Apply(state.TakeChanges());
    }

    private PayloadAnswer AnswerFor(Transaction tx)
    {
        if (tx.PayloadHash is not { } hash) return PayloadAnswer.Nobodys;
        return _inputs.AnswerFor(hash) ?? throw new InvalidBlockException($"payload {hash} of private transaction {tx.Hash} is not there");
    }
}
