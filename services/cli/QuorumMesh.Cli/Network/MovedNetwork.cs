using System.Text.Json;
using System.Text.Json.Nodes;

namespace QuorumMesh.Cli.Network;

/// <summary>A network whose directory was moved or copied: its files name the place where it was made.</summary>
internal static class MovedNetwork
{
    /// <summary>Puts the directory's own path into every configuration file that names another.</summary>
    /// <returns>Where the network was before; null when it was not moved.</returns>
    /// <exception cref="CommandException">The new path is too long for the sockets.</exception>
    public static string? Adopt(string directory, NetworkDefinition network)
    {
        directory = Path.GetFullPath(directory);
        var definition = Path.Combine(directory, NetworkDefinition.FileName);
        var named = (string?)JsonNode.Parse(File.ReadAllText(definition))?["participants"]?[0]?["dir"];
        var before = named is null ? null : Path.GetDirectoryName(Path.TrimEndingDirectorySeparator(named));
        if (before is null || before == directory) return null;
        NetworkCreator.CheckDepth(directory);
        foreach (var participant in network.Participants)
            foreach (var file in (string[])[Path.Combine(participant.Directory, "tm", "tm.json"),
                Path.Combine(participant.Directory, "enclave", "enclave.json")])
                Rewrite(file, before, directory);
        network.Save(directory); // last: what was cut off before it is done again
        return before;
    }

    /// <summary>The text is changed and not the JSON written anew, so that what people wrote into it stays.</summary>
    private static void Rewrite(string file, string before, string now)
    {
        var text = File.ReadAllText(file);
        var moved = text;
        foreach (var start in (string[])["\"", "unix:", "unix://", "jdbc:sqlite:"])
            foreach (var path in (string[])[before, JsonEncodedText.Encode(before).ToString()])
                moved = moved.Replace($"{start}{path}/", $"{start}{JsonEncodedText.Encode(now)}/", StringComparison.Ordinal);
        if (moved != text) PrivateFiles.Replace(file, moved);
    }
}
