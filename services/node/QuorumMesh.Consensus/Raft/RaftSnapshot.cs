namespace QuorumMesh.Consensus.Raft;

/// <summary>Membership at one index: voters and learners, both ascending.</summary>
public sealed record RaftConfState(IReadOnlyList<ulong> Voters, IReadOnlyList<ulong> Learners)
{
    /// <summary>No members: of a log that nothing was written to.</summary>
    public static RaftConfState Empty { get; } = new([], []);

    public bool IsEmpty => Voters.Count == 0 && Learners.Count == 0;

    /// <summary>True for voters and learners.</summary>
    public bool Contains(ulong id) => Voters.Contains(id) || Learners.Contains(id);
}

/// <summary>State of the application up to and including <paramref name="Index"/>.</summary>
public sealed record RaftSnapshot(byte[] Data, RaftConfState ConfState, ulong Index, ulong Term);
