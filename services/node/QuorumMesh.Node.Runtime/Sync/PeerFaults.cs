using QuorumMesh.Node.Runtime.Ports;

namespace QuorumMesh.Node.Runtime.Sync;

/// <summary>What a peer did wrong while blocks were fetched from it, by what it weighs.</summary>
internal enum PeerFault
{
    /// <summary>It has not what it claims to have.</summary>
    Useless = 25,

    /// <summary>It did not answer in time.</summary>
    Late = 35,

    /// <summary>What it sent is false: no honest node does it.</summary>
    Lie = 100,
}

/// <summary>
/// Keeps account of peers by node key: what they do wrong adds up and is forgotten with time; whoever has too much is banned, longer each
/// time. Thread safe.
/// </summary>
internal sealed class PeerFaults(IPeerNetwork peers, TimeProvider clock)
{
    private const double Limit = 100;
    private const int MaxAccounts = 1_024;
    private static readonly TimeSpan HalfLife = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan FirstBan = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan LongestBan = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, Account> _accounts = new(StringComparer.Ordinal);

    /// <summary>Adds a fault; bans the peer when it is one too many.</summary>
    public void Blame(string nodeId, PeerFault fault, string reason)
    {
        TimeSpan? ban = null;
        lock (_lock)
        {
            var account = _accounts.GetValueOrDefault(nodeId) ?? Open(nodeId);
            // What was under way when it was banned is of the same fault.
            if (clock.GetElapsedTime(account.BannedSince) < account.Banned) return;
            account.Points = Now(account) + (int)fault;
            account.Since = clock.GetTimestamp();
            if (account.Points >= Limit)
            {
                var next = FirstBan * Math.Pow(2, Math.Min(account.Bans++, 10));
                ban = account.Banned = next < LongestBan ? next : LongestBan;
                (account.Points, account.BannedSince) = (0, account.Since);
            }
        }
        if (ban is { } duration) peers.BanPeer(nodeId, reason, duration);
    }

    /// <summary>0 for a peer that did nothing wrong lately; below 100.</summary>
    public double Of(string nodeId)
    {
        lock (_lock) return _accounts.TryGetValue(nodeId, out var account) ? Now(account) : 0;
    }

    private Account Open(string nodeId)
    {
        if (_accounts.Count >= MaxAccounts) _accounts.Remove(_accounts.MinBy(a => (a.Value.Bans, Now(a.Value))).Key);
        return _accounts[nodeId] = new Account { Since = clock.GetTimestamp() };
    }

    private double Now(Account account) => account.Points * Math.Pow(0.5, clock.GetElapsedTime(account.Since) / HalfLife);

    private sealed class Account
    {
        public double Points { get; set; }
        public long Since { get; set; }
        public int Bans { get; set; }
        public long BannedSince { get; set; }
        public TimeSpan Banned { get; set; }
    }
}
