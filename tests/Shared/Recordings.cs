using System.Text.RegularExpressions;
using QuorumMesh.Chain;

namespace QuorumMesh.Tests;

/// <summary>Chains that real nodes made: the folders of the vectors' <c>goquorum</c>, named NETWORK-VERSION.</summary>
internal static partial class Recordings
{
    /// <summary>
    /// Those whose rules are not built, with what they wait for. A test holds that each is refused: a name goes from here when
    /// its rules are built.
    /// </summary>
    public static IReadOnlyDictionary<string, string> Waiting { get; } = new Dictionary<string, string>
    {
        ["ibft-to-qbft-24.4.1"] = "QBFT, privacy enhancements",
        ["qbft-besu-24.5.4"] = "QBFT",
        ["qbft-contract-24.4.1"] = "QBFT",
        ["qbft4-24.4.1"] = "QBFT, privacy enhancements, privacy markers",
        ["raft3-24.4.1-tessera"] = "privacy enhancements",
    };

    /// <summary>
    /// All others that are there, so that chains that were never in the vectors are run by putting them beside the others.
    /// </summary>
    public static IEnumerable<string> Names => Vectors.Available
        ? Directory.EnumerateDirectories(Vectors.Path("goquorum")).Select(d => Path.GetFileName(d)!)
        .Where(name => !Waiting.ContainsKey(name)).Order(StringComparer.Ordinal)
        : [];

    /// <summary>
    /// That of the GoQuorum which made the chain: a file <c>profile</c> says it, or else the version in the folder's name.
    /// </summary>
    public static string ProfileOf(string name)
    {
        if (Path.Combine(Vectors.Path("goquorum/" + name), "profile") is var file && File.Exists(file))
            return File.ReadAllText(file).Trim();
        var version = Version().Match(name).Groups["version"].Value;
        return CompatibilityProfile.All.FirstOrDefault(p => version == p.Name || version.StartsWith(p.Name + ".", StringComparison.Ordinal))
            ?.Name ?? "2.5";
    }

    [GeneratedRegex(@"-(?<version>\d+(\.\d+)+)")]
    private static partial Regex Version();
}
