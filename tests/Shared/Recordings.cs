using System.Text.RegularExpressions;
using QuorumMesh.Chain;

namespace QuorumMesh.Tests;

/// <summary>Chains that real nodes made: the folders of the vectors' <c>goquorum</c>, named NETWORK-VERSION.</summary>
internal static partial class Recordings
{
    /// <summary>
    /// Those whose private side is not built, with what it waits for. Tests hold that the public chain is followed and the private head
    /// stops by name: a recording goes from here when its private side is built.
    /// </summary>
    public static IReadOnlyDictionary<string, string> PublicOnly { get; } = new Dictionary<string, string>
    {
        ["raft3-24.4.1-tessera"] = "a code that is left out of it: ContractExtensionTests of Chain.Tests run it with another",
    };

    /// <summary>
    /// All others that are there, so that chains that were never in the vectors are run by putting them beside the others.
    /// </summary>
    public static IEnumerable<string> Names => Vectors.Available
        ? Directory.EnumerateDirectories(Vectors.Path("goquorum")).Select(d => Path.GetFileName(d)!)
        .Where(name => !PublicOnly.ContainsKey(name)).Order(StringComparer.Ordinal)
        : [];

    /// <summary>Those of <see cref="Names"/> whose nodes had transaction managers.</summary>
    public static IEnumerable<string> WithManagers => Names.Where(name => Has(name, "payloads.json"));

    public static bool Has(string name, string file) => File.Exists(Path.Combine(Vectors.Path("goquorum/" + name), file));

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
