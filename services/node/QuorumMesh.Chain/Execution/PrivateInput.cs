using QuorumMesh.Chain.Payloads;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Execution;

/// <summary>
/// What the private side of one transaction is run with: its payload; of a marker the payload with the private transaction, and then that
/// one's. Asked for one after the other, since each may name the next.
/// </summary>
public sealed class PrivateInput
{
    private readonly ChainRules _rules;
    private readonly ulong _block;
    private readonly RecoveredTransaction _transaction;
    private readonly List<PayloadHash> _skipped = [];

    private PrivateInput(ChainRules rules, ulong block, RecoveredTransaction transaction, bool isMarker)
    {
        (_rules, _block, _transaction, IsMarker) = (rules, block, transaction, isMarker);
        Awaited = rules.PayloadOf(transaction.Tx, block);
        if (Awaited is null && !isMarker) Answer = PayloadAnswer.Nobodys;
    }

    /// <summary>A marker, where the chain has them; else a private transaction.</summary>
    public bool IsMarker { get; }

    /// <summary>The payload that it cannot go on without; null when it has all.</summary>
    public PayloadHash? Awaited { get; private set; }

    /// <summary>
    /// Whether the awaited payload is that of a marker, whose privacy flag means nothing: the private transaction in it has its own.
    /// </summary>
    public bool AwaitsMarker => IsMarker && Inner is null;

    /// <summary>What the private transaction, or the one in the marker, is run with; null while it is awaited, and without one.</summary>
    public PayloadAnswer? Answer { get; private set; }

    /// <summary>The private transaction of a marker whose party this participant is; null otherwise.</summary>
    public RecoveredTransaction? Inner { get; private set; }

    /// <summary>Why the marker runs no private transaction although its payload is here; null otherwise.</summary>
    public string? Fault { get; private set; }

    /// <summary>Payloads that it is run without, as this participant is not a party to them.</summary>
    public IReadOnlyList<PayloadHash> Skipped => _skipped;

    /// <summary>The payload of the transaction in the marker, as far as it is known; null otherwise.</summary>
    public PayloadHash? InnerPayload => Inner is { } inner ? _rules.PayloadOf(inner.Tx, _block) : null;

    /// <summary>Null for a transaction without a private side.</summary>
    public static PrivateInput? Of(ChainRules rules, ulong block, RecoveredTransaction transaction) =>
        rules.HasPrivateSide(transaction.Tx, block) ? new PrivateInput(rules, block, transaction, !transaction.Tx.IsPrivate) : null;

    /// <param name="answer">For <see cref="Awaited"/>, a settled one.</param>
    public void Take(PayloadAnswer answer)
    {
        if (Awaited is not { } hash || !answer.IsSettled)
            throw new ArgumentException("a settled answer for the awaited payload is expected", nameof(answer));
        Awaited = null;
        if (answer.Payload is null) _skipped.Add(hash);
        if (!AwaitsMarker) Answer = answer;
        else if (answer.Payload is { } payload) Open(payload);
    }

    /// <summary>Takes what is there, one payload after the other.</summary>
    /// <returns>The payload that is missing; null when nothing is.</returns>
    public PayloadHash? TakeAll(ChainRules rules, ulong block, Func<PayloadHash, PayloadAnswer?> answerFor)
    {
        while (Awaited is { } hash)
        {
            if (answerFor(hash) is not { IsSettled: true } answer) return hash;
            if (!AwaitsMarker && !PrivacyVerification.MayRun(rules, block, answer)) return hash;
            Take(answer);
        }
        return null;
    }

    private void Open(byte[] payload)
    {
        (Inner, Fault) = PrivacyMarker.Open(_transaction, payload);
        if (Inner is null) return;
        Awaited = InnerPayload;
        if (Awaited is null) Answer = PayloadAnswer.Nobodys;
    }
}
