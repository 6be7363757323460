using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Simulation.Raft;

public sealed class RaftSafetyException(string message) : Exception(message);

/// <summary>The five properties of the Raft paper's figure 3, checked from outside on everything that happens.</summary>
internal sealed class RaftChecks(Func<IEnumerable<SimulatedMember>> members)
{
    private readonly Dictionary<ulong, ulong> _leaders = [];
    private readonly SortedDictionary<ulong, RaftEntry> _applied = [];
    private readonly Dictionary<ulong, ulong> _chains = new() { [0] = 0 };

    public ulong HighestApplied { get; private set; }
    public int Elections => _leaders.Count;

    /// <summary>Election safety and leader completeness.</summary>
    /// <param name="appliedThen">The highest applied entry when it was elected: later ones a leader after it may have committed.</param>
    public void LeaderElected(SimulatedMember leader, ulong term, ulong appliedThen)
    {
        if (_leaders.TryGetValue(term, out var other) && other != leader.Id)
            throw new RaftSafetyException($"election safety: {other} and {leader.Id} both lead term {term}");
        _leaders[term] = leader.Id;
        foreach (var (index, entry) in _applied)
        {
            if (index < leader.Log.FirstIndex || index > appliedThen || entry.Term >= term) continue;
            if (!leader.Log.TryTerm(index, out var held) || held != entry.Term)
                throw new RaftSafetyException(
                    $"leader completeness: leader {leader.Id} of term {term} lacks committed entry {index} of term {entry.Term}");
        }
    }

    /// <summary>State-machine safety.</summary>
    public void Applied(SimulatedMember member, RaftEntry entry)
    {
        if (entry.Index != member.AppliedIndex + 1)
            throw new RaftSafetyException($"member {member.Id} applies {entry.Index} after {member.AppliedIndex}");
        if (_applied.TryGetValue(entry.Index, out var first))
        {
            if (first.Term != entry.Term || first.Type != entry.Type || !first.Data.AsSpan().SequenceEqual(entry.Data))
                throw new RaftSafetyException($"state-machine safety: member {member.Id} applies another entry at {entry.Index}");
            return;
        }
        _applied[entry.Index] = entry;
        _chains[entry.Index] = SimulatedMember.Chain(_chains[entry.Index - 1], entry);
        HighestApplied = entry.Index;
    }

    public void Restored(SimulatedMember member)
    {
        if (!_chains.TryGetValue(member.AppliedIndex, out var chain) || chain != member.AppliedChain)
            throw new RaftSafetyException(
                $"member {member.Id} restored a snapshot at {member.AppliedIndex} that differs from what was applied");
    }

    /// <summary>Log matching: same index and term means same entry and the same before it.</summary>
    public void LogMatching()
    {
        var up = members().Where(m => m.IsUp).ToArray();
        for (var a = 0; a < up.Length; a++)
            for (var b = a + 1; b < up.Length; b++) LogMatching(up[a], up[b]);
    }

    private static void LogMatching(SimulatedMember a, SimulatedMember b)
    {
        var matched = false;
        var first = Math.Max(a.Log.FirstIndex, b.Log.FirstIndex);
        for (var i = Math.Min(a.Log.LastIndex, b.Log.LastIndex); i >= first; i--)
        {
            var (x, y) = (a.Log.Entries(i, i + 1, 0)[0], b.Log.Entries(i, i + 1, 0)[0]);
            var same = x.Term == y.Term;
            if (matched && !same) throw new RaftSafetyException($"log matching: {a.Id} and {b.Id} agree after {i} but not at it");
            if (same && !x.Data.AsSpan().SequenceEqual(y.Data))
                throw new RaftSafetyException($"log matching: {a.Id} and {b.Id} differ in entry {i}");
            matched |= same;
        }
    }
}
