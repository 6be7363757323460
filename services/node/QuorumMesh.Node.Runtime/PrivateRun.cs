using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// The block behind the private head, run as far as its payloads came. Nothing of it is stored before its end: after a restart,
/// or a way back of the private head, it is begun anew. Owned by the writer loop.
/// </summary>
internal sealed class PrivateRun
{
    private readonly SteppedState _public = new();
    private readonly ChainRules _rules;
    private readonly Func<PrivateExecution> _begin;
    private PrivateExecution? _execution;

    /// <param name="privateState">After the block before.</param>
    public PrivateRun(ChainRules rules, Block block, RecoveredTransaction[] transactions, IStateReader privateState,
        Func<ulong, Hash256> blockHash)
    {
        (_rules, Block, Transactions) = (rules, block, transactions);
        _begin = () => new PrivateExecution(rules, block.Header, transactions, new(_public, privateState, blockHash));
    }

    public Block Block { get; }

    public RecoveredTransaction[] Transactions { get; }

    /// <summary>Payload hashes that were left out as not ours.</summary>
    public IReadOnlyList<PayloadHash> Skipped =>
        _execution is null ? [] : [.. _execution.SkippedPayloads, .. _execution.Share?.Skipped ?? []];

    /// <summary>Of the payloads that the block names, those that were run or left out already.</summary>
    public int Passed { get; private set; }

    public bool IsDone => _execution is { IsDone: true };

    /// <summary>The payload that the next transaction needs; null when it needs none.</summary>
    public PayloadHash? Awaited => _execution is null ? _rules.PayloadOf(Block.Transactions[0], Block.Number) : _execution.Awaited;

    /// <summary>
    /// The payload that is needed and that the block does not name: of a private transaction in a marker that was opened, or of a share by
    /// a contract extension. Null when none is needed.
    /// </summary>
    public PayloadHash? AwaitedInner => _execution is { AwaitsNamed: false } ? _execution.Awaited : null;

    /// <summary>See <see cref="PrivateInput.AwaitsMarker"/>.</summary>
    public bool AwaitsMarker => _execution?.AwaitsMarker ?? !Block.Transactions[0].IsPrivate;

    /// <summary>
    /// Whether what is awaited is a vote or a state of a share by a contract extension: no transaction runs by its privacy flag.
    /// </summary>
    public bool AwaitsShare => _execution?.Share is not null;

    /// <summary>A vote on a contract extension that must be told to be ours or not; null when none is awaited.</summary>
    public PayloadHash? AwaitedVote => _execution?.Share?.AwaitedVote;

    /// <summary>Runs on while payloads are there and the gas is below the limit.</summary>
    /// <param name="publicState">Before the block; read during the call alone.</param>
    /// <param name="voteFor">Null for a vote that nothing is known of.</param>
    /// <param name="gas">Goes up by what it was worth.</param>
    /// <param name="isOver">Ends it as the limit does; asked after each transaction.</param>
    public void Continue(IStateReader publicState, PayloadCache payloads, Func<PayloadHash, PayloadAnswer?> answerFor,
        Func<PayloadHash, VoteAnswer?> voteFor, ref long gas, long limit, Func<bool>? isOver)
    {
        _public.Read(publicState);
        try
        {
            for (_execution ??= _begin(); !_execution.IsDone && gas < limit;)
            {
                if (_execution.Share is { } share)
                {
                    if (!Take(_execution, share, payloads, answerFor, voteFor)) return;
                    continue;
                }
                var tx = Transactions[_execution.Next].Tx;
                if (_execution.Awaited is not { } hash) _execution.Step(null);
                else if (answerFor(hash) is { } answer) Step(_execution, answer, payloads);
                else return;
                gas += BlockWork.Of(tx);
                if (isOver?.Invoke() == true) return;
            }
        }
        finally
        {
            _public.Read(null);
        }
    }

    /// <summary>After the last transaction.</summary>
    public BlockExecution Complete()
    {
        // The engine's reward, which touches the public state alone, is thrown away with it.
        _public.Read(EmptyState.Instance);
        return _execution!.Complete();
    }

    /// <returns>False when what the share needs next is not here.</returns>
    private static bool Take(PrivateExecution execution, StateShareRun share, PayloadCache payloads,
        Func<PayloadHash, PayloadAnswer?> answerFor, Func<PayloadHash, VoteAnswer?> voteFor)
    {
        if (share.AwaitedVote is { } vote)
        {
            if (voteFor(vote) is not { } voted) return false;
            execution.Settle(voted);
            return true;
        }
        if (share.Awaited is not { } hash || answerFor(hash) is not { } answer) return false;
        execution.Step(answer);
        payloads.Used(hash);
        return true;
    }

    private void Step(PrivateExecution execution, PayloadAnswer answer, PayloadCache payloads)
    {
        var isNamed = execution.AwaitsNamed;
        execution.Step(answer);
        payloads.Used(answer.Hash);
        if (isNamed) Passed++;
    }
}
