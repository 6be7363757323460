using System.Diagnostics;
using System.Globalization;
using System.Text.RegularExpressions;

namespace QuorumMesh.Benchmarks.Network;

/// <summary>What Linux counts on TCP connections that are open, both ways together; iproute2's ss tells it.</summary>
internal static partial class WireBytes
{
    /// <summary>Bytes so far on connections to these local ports.</summary>
    public static async Task<long> OfAsync(IEnumerable<int> ports)
    {
        var filter = string.Join(" or ", ports.Select(port => string.Create(CultureInfo.InvariantCulture, $"sport = :{port}")));
        var start = new ProcessStartInfo("ss", ["-tinHO", $"( {filter} )"]) { RedirectStandardOutput = true };
        using var ss = Process.Start(start) ?? throw new InvalidOperationException("ss does not start: install iproute2");
        var told = await ss.StandardOutput.ReadToEndAsync().ConfigureAwait(false);
        await ss.WaitForExitAsync().ConfigureAwait(false);
        return Counted().Matches(told).Sum(match => long.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture));
    }

    [GeneratedRegex(@"bytes_(?:sent|received):(\d+)")]
    private static partial Regex Counted();
}
