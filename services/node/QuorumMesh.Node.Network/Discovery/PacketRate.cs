using System.Net;

namespace QuorumMesh.Node.Network.Discovery;

/// <summary>How many packets are looked at: in a second so many of one address, and so many in all. Bounded whatever comes.</summary>
internal sealed class PacketRate(int fromOne, int inAll)
{
    private readonly Dictionary<IPAddress, int> _seen = [];
    private long _second = long.MinValue;
    private int _all;

    /// <param name="now">Since any fixed time.</param>
    public bool Takes(IPAddress from, TimeSpan now)
    {
        var second = (long)now.TotalSeconds;
        if (second != _second)
        {
            _second = second;
            _all = 0;
            _seen.Clear();
        }
        if (_all >= inAll) return false;
        var count = _seen.GetValueOrDefault(from);
        if (count >= fromOne) return false;
        // Never more entries than packets that are taken.
        _seen[from] = count + 1;
        _all++;
        return true;
    }
}
