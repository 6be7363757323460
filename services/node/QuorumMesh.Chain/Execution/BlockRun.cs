using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Chain.Execution;

/// <summary>
/// Runs the transactions of one block one after the other, on both states or the public one alone. Building, import and private
/// replay all go through it. The public outcome never depends on the private side.
/// </summary>
public sealed class BlockRun
{
    private readonly BlockHeader _header;
    private readonly ChainRules _rules;
    private readonly IHeaderRules _engine;
    private readonly Fork _fork;
    private readonly TransactionProcessor _processor;
    private readonly ExecutionInputs<IStateReader> _inputs;
    private readonly WorldState _public;
    private readonly bool _keepsPublic;
    private readonly bool _keepsReasons;
    private readonly List<Receipt> _receipts = [];
    private readonly List<Receipt?> _privateReceipts = [];
    private readonly List<PayloadHash> _missing = [];
    private readonly List<PayloadHash> _skipped = [];
    private readonly List<PayloadHash> _sharePayloads = [];
    private readonly List<RefusedShare> _refusedShares = [];
    private readonly List<MarkedPayload> _marked = [];
    private readonly List<PrivateRefusal> _refusals = [];
    private readonly Bloom _bloom = new();
    private readonly bool _waitsForShares;
    private readonly bool _hasExtension;
    private WorldState? _private;
    private bool _hasPrivate;
    private ulong _gasLeft;

    /// <param name="author">COINBASE; the engine's author of a sealed header.</param>
    /// <param name="inputs">
    /// A payload that no settled answer is there for ends the private side at its transaction; the public side goes on.
    /// </param>
    /// <param name="keepsPublic">False when the public side is only run for the private one to read: no receipts' state roots then.</param>
    /// <param name="stop">Ends the running transaction; null where the block must come to its end.</param>
    /// <param name="waitsForShares">
    /// A shared state that no answer is there for is waited for (<see cref="Share"/>); false ends the private side at its transaction.
    /// </param>
    public BlockRun(ChainRules rules, BlockHeader header, in Address author, ExecutionInputs<IStateReader> inputs, bool keepsPublic = true,
        Func<bool>? stop = null, bool waitsForShares = false)
    {
        (_waitsForShares, _hasExtension) = (waitsForShares, rules.Profile.HasContractExtension);
        _header = header;
        _rules = rules;
        _engine = rules.EngineAt(header.Number);
        _fork = rules.ForkAt(header.Number);
        _processor = new TransactionProcessor(rules.ContextOf(header, author, inputs.BlockHash), _fork,
            rules.TransactionRulesAt(header.Number), stop: stop);
        _inputs = inputs;
        _public = new WorldState(inputs.PublicState);
        _private = inputs.PrivateState is { } state ? new WorldState(state) : null;
        _keepsPublic = keepsPublic;
        _keepsReasons = rules.KeepsRevertReasons;
        _gasLeft = header.GasLimit;
        // Before the transactions and outside the block's gas, like a system call (EIP-2935).
        if (_fork >= Fork.Prague)
            BlockHashHistory.Record(_public, header);
    }

    /// <summary>Left in the block's gas pool, from which private transactions take their intrinsic gas.</summary>
    public ulong GasLeft => _gasLeft;

    /// <summary>Of public transactions: the header's field.</summary>
    public ulong GasUsed { get; private set; }

    /// <summary>As it is after the transactions so far.</summary>
    public WorldState PublicState => _public;

    /// <summary>Null when the private side is not run, or was given up.</summary>
    public WorldState? PrivateState => _private;

    /// <summary>
    /// Payloads that the private side was run without, as this participant is not a party to them, in the order of their use.
    /// </summary>
    public IReadOnlyList<PayloadHash> SkippedPayloads => _skipped;

    /// <summary>What the last transaction shares and this participant has no answers for yet; null when there is nothing.</summary>
    public StateShareRun? Share { get; private set; }

    /// <summary>An invalid transaction changes nothing, and the run can go on with another.</summary>
    /// <exception cref="ExecutionStoppedException">It changed nothing; the run can be completed without it.</exception>
    public TransactionInvalid Apply(RecoveredTransaction transaction, IEvmTracer? tracer = null)
    {
        var input = PrivateInput.Of(_rules, _header.Number, transaction);
        if (input is not null && _private is not null
            && input.TakeAll(_rules, _header.Number, hash => _inputs.AnswerFor(hash)) is { } missing)
        {
            _missing.Add(missing);
            // The rest of the private side would run on a state that lacks this transaction. Better none: the private head waits.
            _private = null;
        }
        return ApplyWith(input, transaction, tracer);
    }

    /// <summary>As <see cref="Apply"/>, with what the private side is run with at hand.</summary>
    /// <param name="input">Null for a transaction without a private side.</param>
    internal TransactionInvalid ApplyWith(PrivateInput? input, RecoveredTransaction transaction, IEvmTracer? tracer = null)
    {
        var outcome = Execute(transaction, _private is null ? null : input, tracer);
        if (outcome.Invalid != TransactionInvalid.None)
            return outcome.Invalid;
        _hasPrivate |= input is not null;
        if (input is not null && _private is not null) Note(transaction.Tx.Hash, input, outcome.Private);
        GasUsed += outcome.GasUsed;
        AddReceipts(transaction, input?.Inner, outcome);
        if (outcome.Private is { Logs.Count: > 0 } own && _private is not null && _hasExtension) BeginShare(own.Logs);
        return TransactionInvalid.None;
    }

    /// <summary>Goes on with <see cref="Share"/> after it took an answer.</summary>
    public void ContinueShare()
    {
        if (Share is not { IsDone: true } share) return;
        _sharePayloads.AddRange(share.Asked);
        _skipped.AddRange(share.Skipped);
        _refusedShares.AddRange(share.Refused);
        Share = null;
    }

    /// <summary>Pays the block reward and sums up. Nothing may be applied afterwards.</summary>
    public BlockExecution Complete()
    {
        // Rewards go into the public state alone, as in GoQuorum: the private root knows of none (2.5:core/state_processor.go).
        _engine.Finalise(_header, _public);
        _public.FinaliseTransaction(_fork >= Fork.SpuriousDragon);
        return new BlockExecution
        {
            PublicChanges = _public.TakeChanges(),
            PrivateChanges = _private?.TakeChanges(),
            Receipts = _receipts,
            PrivateReceipts = _private is null ? null : _privateReceipts,
            GasUsed = GasUsed,
            Bloom = _bloom,
            MissingPayloads = _missing,
            SkippedPayloads = _private is null ? [] : _skipped,
            SharePayloads = _private is null ? [] : _sharePayloads,
            RefusedShares = _private is null ? [] : _refusedShares,
            MarkedPayloads = _private is null ? [] : _marked,
            Refusals = _private is null ? [] : _refusals,
            HasPrivateTransactions = _hasPrivate,
        };
    }

    private TransactionOutcome Execute(RecoveredTransaction transaction, PrivateInput? input, IEvmTracer? tracer)
    {
        var message = TransactionMessage.Of(transaction, UInt256.Zero);
        try
        {
            return _processor.Execute(message, _public, _private, input?.Answer, ref _gasLeft, tracer, input?.Inner);
        }
        catch (ExecutionStoppedException)
        {
            _public.TakeBackTransaction();
            _private?.TakeBackTransaction();
            throw;
        }
    }

    private void BeginShare(IReadOnlyList<LogEntry> logs)
    {
        Share = StateShareRun.Of(logs, _private!, _fork >= Fork.SpuriousDragon,
            _rules.Config.HasPrivacyEnhancements(_header.Number, _rules.Profile));
        Share?.TakeAll(_inputs);
        ContinueShare();
        if (Share is not { } waiting || _waitsForShares) return;
        // As for a payload that is missing: the private head waits, and what it needs is asked for then.
        _missing.Add((waiting.Awaited ?? waiting.AwaitedVote)!.Value);
        (_private, Share) = (null, null);
    }

    private void Note(in Hash256 hash, PrivateInput input, PrivateOutcome? outcome)
    {
        _skipped.AddRange(input.Skipped);
        if (input.InnerPayload is { } inner) _marked.Add(new MarkedPayload(_receipts.Count, inner));
        if (PrivateRefusal.Of(hash, input, outcome, _header.GasLimit) is { } refusal) _refusals.Add(refusal);
    }

    private void AddReceipts(RecoveredTransaction transaction, RecoveredTransaction? inner, in TransactionOutcome outcome)
    {
        var reason = Reason(outcome.Status, outcome.Output);
        var receipt = MakeReceipt(transaction, _keepsPublic ? _public : null, outcome.PublicSuccess, outcome.Logs, outcome.GasUsed, reason);
        _bloom.Or(receipt.Bloom);
        _receipts.Add(receipt);
        _privateReceipts.Add(outcome.Private is { } p
            ? MakeReceipt(inner ?? transaction, _private, p.Success, p.Logs, 0, Reason(p.Status, p.Output), isMarked: inner is not null)
            : null);
    }

    private byte[]? Reason(EvmStatus status, byte[] output) =>
        _keepsReasons && status == EvmStatus.Revert && output.Length > 0 ? output : null;

    private Receipt MakeReceipt(RecoveredTransaction transaction, WorldState? state, bool success, IReadOnlyList<LogEntry> logs,
        ulong gasUsed, byte[]? reason, bool isMarked = false) => new()
        {
            Type = transaction.Tx.Type,
            Status = success ? (byte)1 : (byte)0,
            // EIP-658: a status took the place of the state root after the transaction.
            PostState = _fork < Fork.Byzantium ? state?.IntermediateRoot() ?? default : null,
            // A private transaction does not move it: its gas is none of the header's (2.5:core/state_processor.go). One in a marker
            // counts by itself (24:ApplyInnerTransaction).
            CumulativeGasUsed = isMarked ? 0 : GasUsed,
            GasUsed = gasUsed,
            // A copy: the state goes on to use its list.
            Logs = [.. logs],
            Bloom = Bloom.Of(logs),
            // From sender and nonce alone, so that it is named for failed creations and at strangers too.
            ContractAddress = transaction.Tx.IsCreation ? Address.ForCreate(transaction.Sender, transaction.Tx.Nonce) : null,
            RevertReason = reason,
        };
}
