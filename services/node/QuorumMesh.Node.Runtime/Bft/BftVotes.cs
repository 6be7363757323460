using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Bft;

/// <summary>
/// Whom this node votes in or out when it proposes, as its operators asked. In memory alone, as with GoQuorum: a restart forgets them, and
/// a vote that was won goes on to count until it is discarded (2.5:consensus/istanbul/backend/api.go). Owned by the writer loop.
/// </summary>
internal sealed class BftVotes
{
    private readonly Dictionary<Address, bool> _candidates = [];

    /// <summary>True votes in, false votes out; a copy for each change.</summary>
    public IReadOnlyDictionary<Address, bool> Candidates { get; private set; } = new Dictionary<Address, bool>();

    /// <summary>
    /// What the block after the snapshot's votes for: each candidate in its turn, where GoQuorum draws one. The only validator is not voted
    /// out, for its one vote would decide, and nobody could make a block after that.
    /// </summary>
    /// <returns>Null when no vote has a meaning.</returns>
    public ValidatorVote? For(IstanbulSnapshot before)
    {
        var wanted = _candidates.Select(static c => new ValidatorVote(c.Key, c.Value)).Where(before.IsMeaningful)
            .Where(v => v.Authorize || before.Validators.Count > 1).OrderBy(static v => v.Candidate).ToList();
        return wanted.Count == 0 ? null : wanted[(int)(before.Number % (ulong)wanted.Count)];
    }

    /// <param name="authorize">Null to vote no more.</param>
    public void Change(Address candidate, bool? authorize)
    {
        if (authorize is { } vote) _candidates[candidate] = vote;
        else _candidates.Remove(candidate);
        Candidates = new Dictionary<Address, bool>(_candidates);
    }
}
