using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Simulation;

/// <summary>What a stranger, or a member gone mad, puts on the wire: any kind with any numbers.</summary>
internal static class StrangerMessages
{
    private const int FirstStranger = 90, Kinds = 19;

    /// <summary>In the name of nobody known; it must be refused whatever it says.</summary>
    public static RaftMessage FromStranger(Random random, RaftCore at) =>
        Any(random, at) with { From = (ulong)random.Next(FirstStranger, FirstStranger + 5) };

    /// <summary>A snapshot in the name of one of ours, as anyone may post it, or a jump; neither must have an effect.</summary>
    public static RaftMessage InTheNameOf(ulong member, Random random, RaftCore at, byte[] data) =>
        random.Next(2) == 0 && at.HasAnnounced(member)
        ? new RaftMessage
        {
            Type = RaftMessageType.Snap,
            From = member,
            To = at.Id,
            Term = at.Term + (ulong)random.Next(5),
            Snapshot = new RaftSnapshot(data, new RaftConfState([99], []), at.LastIndex + (ulong)random.Next(1, 50),
                (ulong)random.Next(0, (int)at.Term + 1)),
        }
        : Any(random, at) with { From = member, Term = at.Term + RaftCore.MaxJump + 1 + (ulong)random.NextInt64(long.MaxValue) };

    private static RaftMessage Any(Random random, RaftCore at)
    {
        var (type, index) = ((RaftMessageType)random.Next(Kinds), Number(random, at));
        return new RaftMessage
        {
            Type = type,
            To = at.Id,
            Term = type == RaftMessageType.Prop ? 0 : random.Next(3) == 0 ? Number(random, at) : at.Term + (ulong)random.Next(3),
            Index = index,
            LogTerm = Number(random, at),
            Commit = Number(random, at),
            RejectHint = Number(random, at),
            Reject = random.Next(2) == 0,
            Entries = [.. Enumerable.Range(0, random.Next(3))
                .Select(i => new RaftEntry(Number(random, at), index + 1 + (ulong)i, (RaftEntryType)random.Next(2), new byte[8]))],
            Snapshot = random.Next(3) == 0
                ? new RaftSnapshot([7], new RaftConfState([99], []), Number(random, at), Number(random, at)) : null,
        };
    }

    private static ulong Number(Random random, RaftCore at) => random.Next(5) switch
    {
        0 => ulong.MaxValue,
        1 => at.LastIndex + (ulong)random.Next(3),
        2 => at.Term + (ulong)random.Next(3),
        3 => (ulong)random.NextInt64(),
        _ => (ulong)random.Next(10),
    };
}
