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
    private readonly ChainRules _rules;
    private readonly BlockHeader _header;
    private readonly TransactionProcessor _processor;
    private readonly ExecutionInputs<IStateReader> _inputs;
    private readonly bool _hasExtension;
    private ulong _gasLeft;
    private string? _stoppedBy;

    /// <summary>Private logs of the last transaction, one in a marker included.</summary>
    private IReadOnlyList<LogEntry> _lastLogs = [];

    /// <param name="inputs">Without a private state private transactions are run for their public effects alone.</param>
    /// <param name="stop">Ends a running transaction, watched or not.</param>
    public BlockReplay(ChainRules rules, BlockHeader header, ExecutionInputs<IStateReader> inputs, CancellationToken stop = default)
    {
        (_rules, _header, _hasExtension) = (rules, header, rules.Profile.HasContractExtension);
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
        var shared = new WorldState(PublicState);
        var input = PrivateState is null ? null : PrivateInput.Of(_rules, _header.Number, transaction);
        if (input is not null && _stoppedBy is { } reason)
            throw new InvalidBlockException($"transaction {tx.Hash} cannot be run again: {reason}");
        if (input?.TakeAll(_rules, _header.Number, hash => _inputs.AnswerFor(hash)) is { } missing)
            throw new InvalidBlockException($"payload {missing} of transaction {tx.Hash} is not there");
        var own = input is null ? null : new WorldState(PrivateState!);
        var outcome = _processor.Execute(
            TransactionMessage.Of(transaction, UInt256.Zero), shared, own, input?.Answer, ref _gasLeft, tracer, input?.Inner);
        _lastLogs = outcome.Private?.Logs ?? [];
        // What is seen of a marker is itself: the transaction in it is run for those behind it.
        if (input is { IsMarker: true }) outcome = outcome with { Private = null };
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
        if (_hasExtension && PrivateState is { } state) TakeShare(_lastLogs, state);
    }

    private void TakeShare(IReadOnlyList<LogEntry> logs, StateOverlay privateState)
    {
        var state = new WorldState(privateState);
        var takesFlags = _rules.Config.HasPrivacyEnhancements(_header.Number, _rules.Profile);
        if (StateShareRun.Of(logs, state, Fork >= Evm.Fork.SpuriousDragon, takesFlags) is not { } share) return;
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
}
