using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Bft;

/// <summary>Why there is no block.</summary>
internal sealed partial class BftHeightMachine
{
    public BftExplanation Explain(TimeSpan now) => new(
        View, _round.Proposer, Validators.Quorum, _round.Preprepare is not null, Lock?.Proposal.Digest, Lock?.Round,
        _timer is { } timer && !IsDecided ? timer.Began + timer.Length - now : null,
        [.. Validators.Turns.Select(v => Explain(v, now))], [.. Reasons()]);

    private BftValidatorExplanation Explain(Address validator, TimeSpan now)
    {
        var heard = _context.Peers.Last(validator);
        return new BftValidatorExplanation(validator, validator == Me, _context.Peers.IsConnected(validator),
            heard?.At is { } at ? now - at : null, heard?.Kind, heard?.View, _changes.RoundOf(validator), _round.HasPrepared(validator),
            _round.HasCommitted(validator));
    }

    private IEnumerable<string> Reasons()
    {
        if (IsDecided)
        {
            yield return $"block {View.Sequence} is decided and not imported yet";
            yield break;
        }
        if (Abstention is { } abstention) yield return $"this validator does not vote at height {View.Sequence}: {abstention}";
        else if (!Validators.Contains(Me)) yield return "this node is no validator at this height: it votes for nothing";
        var away = Others.Where(v => !IsReachable(v)).ToList();
        if (!IsQuorumReachable)
            yield return $"{Validators.Count - away.Count} of {Validators.Count} validators can be reached and {Validators.Quorum} are "
                + $"needed; not reached: {Names(away)}";
        yield return Phase(away);
        if (_round.View.Round > 0) yield return $"{View.Round} rounds have failed at height {View.Sequence}";
    }

    private string Phase(List<Address> away)
    {
        if (_round.IsWaiting)
            return $"round {View.Round} begins when {Validators.Quorum} validators ask for it: {_changes.For(View.Round).Count} have; "
                + $"still missing: {Names(Validators.Turns.Where(v => !(_changes.RoundOf(v) >= View.Round)))}";
        if (_round.Preprepare is null)
        {
            if (View.Round == 0 && !_isDue) return "no block is due: its time has not come, or there is nothing to put into it";
            if (_round.Proposer == Me) return "it is this node's turn, and its block is not made yet";
            var presence = away.Contains(_round.Proposer) ? ", which is away" : "";
            return $"the proposal of {_round.Proposer.ToChecksumString()}{presence} is waited for";
        }
        if (_round.Fault is { } fault) return $"the proposal breaks a rule: {fault}";
        if (!_round.IsVerified) return "the proposal is being executed";
        if (IsLockedOnOther(_round)) return $"this validator has locked another block in round {Lock!.Round}";
        return _round.IsPrepared
            ? $"commits are missing from {Names(Validators.Turns.Where(v => !_round.HasCommitted(v)))}"
            : $"prepares are missing from {Names(Validators.Turns.Where(v => !_round.HasPrepared(v)))}";
    }

    private static string Names(IEnumerable<Address> validators) => string.Join(", ", validators.Select(v => v.ToChecksumString()));
}
