using QuorumMesh.Chain.Extension;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Chain.Execution;

/// <summary>
/// What the logs of a private transaction do to the private state when a contract's state is shared by them
/// (21:extension/privacyExtension/state_setter.go). A party that has the contract takes over the share's identifier as its creation; one
/// that has none, and voted, takes the state from its manager. Goes on by answers: what it waits for is <see cref="AwaitedVote"/> or
/// <see cref="Awaited"/>.
/// </summary>
public sealed class StateShareRun
{
    /// <summary>
    /// Of one transaction; a management contract's have one for each of its two voters. Each may cost questions to the manager, and gas of
    /// private code is its sender's word.
    /// </summary>
    private const int MostShares = 256;

    private readonly List<ExtensionEvent.Shared> _shares;
    private readonly WorldState _state;
    private readonly bool _deleteEmpty;
    private readonly bool _takesFlags;
    private readonly List<PayloadHash> _asked = [];
    private readonly List<PayloadHash> _skipped = [];
    private readonly List<RefusedShare> _refused = [];
    private int _next;
    private bool _isRenamed;

    private StateShareRun(List<ExtensionEvent.Shared> shares, WorldState state, bool deleteEmpty, bool takesFlags)
    {
        (_shares, _state, _deleteEmpty, _takesFlags) = (shares, state, deleteEmpty, takesFlags);
        state.BeginTransaction();
        Continue();
    }

    /// <summary>Null when the logs share nothing.</summary>
    /// <param name="state">After the transaction, which is finalised.</param>
    /// <param name="deleteEmpty">EIP-158.</param>
    /// <param name="takesFlags">Whether the chain has privacy flags other than 0 at the block.</param>
    public static StateShareRun? Of(IReadOnlyList<LogEntry> logs, WorldState state, bool deleteEmpty, bool takesFlags)
    {
        ArgumentNullException.ThrowIfNull(logs);
        List<ExtensionEvent.Shared>? shares = null;
        foreach (var log in logs)
        {
            if (ExtensionEvent.Of(log) is not ExtensionEvent.Shared shared) continue;
            (shares ??= []).Add(shared);
            if (shares.Count == MostShares) break;
        }
        return shares is null ? null : new StateShareRun(shares, state, deleteEmpty, takesFlags);
    }

    /// <summary>Nothing is awaited, and the state is as it is after the transaction.</summary>
    public bool IsDone => Awaited is null && AwaitedVote is null;

    /// <summary>The payload that it cannot go on without: a vote, or a state.</summary>
    public PayloadHash? Awaited { get; private set; }

    /// <summary>The vote whose payload is here; whether it is ours is to be told.</summary>
    public PayloadHash? AwaitedVote { get; private set; }

    /// <summary>Every payload that was asked for.</summary>
    public IReadOnlyList<PayloadHash> Asked => _asked;

    /// <summary>Those of them that this participant is not a party to.</summary>
    public IReadOnlyList<PayloadHash> Skipped => _skipped;

    /// <summary>Shares meant for this participant that were not taken.</summary>
    public IReadOnlyList<RefusedShare> Refused => _refused;

    /// <summary>Goes on as far as answers are at hand.</summary>
    public void TakeAll(ExecutionInputs<IStateReader> inputs)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        while (!IsDone)
        {
            if (AwaitedVote is { } vote && inputs.VoteFor(vote) is { } voted) Take(voted);
            else if (Awaited is { } hash && inputs.AnswerFor(hash) is { } answer) Take(answer);
            else return;
        }
    }

    /// <param name="answer">For <see cref="Awaited"/>, a settled one.</param>
    public void Take(PayloadAnswer answer)
    {
        ArgumentNullException.ThrowIfNull(answer);
        if (!answer.IsSettled || answer.Hash != Awaited)
            throw new ArgumentException($"not the answer for payload {Awaited}", nameof(answer));
        var share = _shares[_next];
        var isVote = answer.Hash == share.VotePayload;
        Awaited = null;
        if (answer.Payload is null) _skipped.Add(answer.Hash);
        if (isVote && answer.Payload is not null)
        {
            AwaitedVote = answer.Hash;
            return;
        }
        if (!isVote) TakeState(share, answer);
        GoOn();
    }

    /// <param name="vote">For <see cref="AwaitedVote"/>, a settled one.</param>
    public void Take(VoteAnswer vote)
    {
        ArgumentNullException.ThrowIfNull(vote);
        if (!vote.IsSettled || vote.Hash != AwaitedVote)
            throw new ArgumentException($"not the answer for vote {AwaitedVote}", nameof(vote));
        var share = _shares[_next];
        AwaitedVote = null;
        // A vote is good for the contract that it was cast on: one that somebody puts into another contract brings nothing.
        if (vote.Management == share.Management && share.State is { } state && state != share.VotePayload) Await(state);
        else GoOn();
    }

    private void Await(in PayloadHash hash)
    {
        _asked.Add(hash);
        Awaited = hash;
    }

    private void GoOn()
    {
        _next++;
        Continue();
    }

    private void Continue()
    {
        for (; _next < _shares.Count; _next++)
        {
            var share = _shares[_next];
            if (_state.GetCode(share.Contract).Length > 0) Rename(share);
            else if (share.VotePayload is { } vote)
            {
                Await(vote);
                return;
            }
        }
        _state.FinaliseTransaction(_deleteEmpty);
    }

    /// <summary>Once for the transaction: later transactions name the share as what made the contract.</summary>
    private void Rename(ExtensionEvent.Shared share)
    {
        if (_isRenamed) return;
        _isRenamed = true;
        if (_state.GetPrivacy(share.Contract) is { } metadata && share.State is { } creation)
            _state.SetPrivacy(share.Contract, metadata with { Creation = creation });
    }

    private void TakeState(ExtensionEvent.Shared share, PayloadAnswer answer)
    {
        if (answer.Payload is not { } payload)
        {
            Refuse(share, "the state was not shared with this participant");
            return;
        }
        if (answer.PrivacyMode != PrivacyMode.StandardPrivate && !_takesFlags)
        {
            Refuse(share, $"the state has the privacy flag {(int)answer.PrivacyMode}, and this node's genesis has no "
                + "privacyEnhancementsBlock at or before its block: give all parties the same genesis (docs/privacy.md)");
            return;
        }
        try
        {
            var privacy = answer.PrivacyMode == PrivacyMode.StandardPrivate ? null : new PrivacyMetadata(answer.Hash, answer.PrivacyMode);
            SharedState.Read(payload, share.Contract).ApplyTo(_state, share.Contract, privacy);
        }
        catch (FormatException e)
        {
            Refuse(share, e.Message);
        }
    }

    private void Refuse(ExtensionEvent.Shared share, string reason) => _refused.Add(new(share.Management, share.Contract, reason));
}
