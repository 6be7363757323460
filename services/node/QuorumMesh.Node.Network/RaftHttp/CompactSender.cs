using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Node.Network.RaftHttp;

/// <summary>
/// Leaves out of blocks what one member holds and is here too. A member that had to ask for much of what was left out gets whole blocks
/// for a time: it costs a round trip each time. Thread safe.
/// </summary>
internal sealed class CompactSender(RaftTransactions transactions, RaftAddress member, RaftTransportOptions options)
{
    /// <summary>Of this many transactions that were left out the latest are looked at.</summary>
    private const int Window = 4_096;

    /// <summary>Fewer are no reason to send blocks whole.</summary>
    private const int LeastAsked = 64;

    /// <summary>More than one in so many is too much.</summary>
    private const int Tolerated = 8;

    private readonly Lock _gate = new();
    private readonly string _nodeId = Convert.ToHexStringLower(member.NodeId);
    private long _named, _asked, _wholeUntil = long.MinValue;

    /// <summary>The entry as it goes to the member; null for one that goes whole.</summary>
    public RaftEntry? Shorten(RaftEntry entry)
    {
        if (entry.Type != RaftEntryType.Normal || entry.Data.Length < options.LeastCompact) return null;
        if (Environment.TickCount64 < Volatile.Read(ref _wholeUntil) || transactions.HeldBy(_nodeId) is not { } isHeld) return null;
        var (outline, here) = Look(entry.Data);
        var form = outline.Compact(hash => here.Contains(hash) && isHeld(hash), out var named);
        if (form is null) return null;
        NetworkMetrics.RaftTransactionsNamed.Add(named);
        Count(named, asked: 0);
        return entry with { Data = form };
    }

    /// <summary>
    /// The member has asked for transactions that it was taken to hold. No more count than were named to it: somebody may ask in its name.
    /// </summary>
    public void Asked(int count) => Count(0, count);

    private NameableBlock Look(byte[] data) =>
        transactions.Blocks.GetValue(data, block => new Lazy<NameableBlock>(() => NameableBlock.Of(block, transactions))).Value;

    private void Count(int named, int asked)
    {
        lock (_gate)
        {
            (_named, _asked) = (_named + named, Math.Min(_asked + asked, _named + named));
            if (_asked >= LeastAsked && _asked * Tolerated > _named)
            {
                (_named, _asked) = (0, 0);
                Volatile.Write(ref _wholeUntil, Environment.TickCount64 + (long)options.WholeTime.TotalMilliseconds);
            }
            else if (_named > Window)
            {
                (_named, _asked) = (_named / 2, _asked / 2);
            }
        }
    }
}
