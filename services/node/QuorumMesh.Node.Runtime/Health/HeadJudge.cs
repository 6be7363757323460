using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Health;

/// <summary>The header that a member showed for a height. What it has at one height says nothing of others.</summary>
/// <param name="Member">By the connection's key (<see cref="Electorate.NameOf"/>): an address proves nobody.</param>
public sealed record HeadReport(string Member, ulong Number, Hash256 Hash);

/// <summary>A block of this node that is not the one most members hold.</summary>
/// <param name="Holders">How many of the <paramref name="Members"/> hold the other one.</param>
public sealed record HeadConflict(ulong Number, Hash256 Own, Hash256 Theirs, int Holders, int Members)
{
    public override string ToString() =>
        $"block {Number} of this node is {Own}, but {Holders} of {Members} members have {Theirs} there: this node is on another chain and "
            + "acknowledges nothing; "
        + "find out which chain is right, and start the nodes of the other one again from an empty data directory";
}

/// <summary>Whether this node is on the chain of most members. Pure.</summary>
public static class HeadJudge
{
    /// <param name="own">This node's name.</param>
    /// <param name="ownHash">This node's block at a height, null above its head.</param>
    /// <returns>
    /// The lowest conflict that was seen, and the highest block on which a majority agrees with this node. Neither, when no side
    /// has a majority.
    /// </returns>
    public static HeadJudgement Judge(IReadOnlyList<HeadReport> reports, Electorate electorate, string own,
        Func<ulong, Hash256?> ownHash)
    {
        var (members, needed) = (electorate.Members, electorate.Needed);
        ulong? agreedAt = null;
        foreach (var height in reports.Where(r => r.Member != own && members.Contains(r.Member)).GroupBy(r => r.Number)
            .OrderBy(g => g.Key))
        {
            if (ownHash(height.Key) is not { } ours) continue;
            // One voice each, whatever a member says beside it.
            var votes = height.GroupBy(r => r.Member).Select(g => g.First().Hash).CountBy(hash => hash).ToList();
            foreach (var (hash, count) in votes)
                if (hash != ours && count >= needed)
                    return new HeadJudgement(new HeadConflict(height.Key, ours, hash, count, members.Count), agreedAt);
            if (votes.FirstOrDefault(v => v.Key == ours).Value + (members.Contains(own) ? 1 : 0) >= needed) agreedAt = height.Key;
        }
        return new HeadJudgement(null, agreedAt);
    }
}

/// <param name="Conflict">Null when no majority was seen with another block.</param>
/// <param name="AgreedAt">Null when no majority was seen with this node's block.</param>
public sealed record HeadJudgement(HeadConflict? Conflict, ulong? AgreedAt);
