using QuorumMesh.ServiceDefaults;

namespace QuorumMesh.TxManager.Configuration;

/// <summary>Tessera's command line in ours (tessera 6.3), so that start scripts stay as they are.</summary>
internal static class TesseraArguments
{
    /// <summary>Members of the configuration: <c>--jdbc.username sa</c> is an override in Tessera's older form.</summary>
    private static readonly string[] Members =
    [
        "mode", "useWhiteList", "disablePeerDiscovery", "bootstrapNode", "jdbc", "serverConfigs", "peer", "keys", "alwaysSendTo",
        "features", "encryptor", "version", "quorummesh",
    ];

    /// <exception cref="UsageException">A call of Tessera's that another program of ours does, or that there is not.</exception>
    public static string[] Translate(string[] args)
    {
        var translated = new List<string>();
        for (var i = 0; i < args.Length; i++)
        {
            Refuse(args[i]);
            if (i == 0 && args[i] is "help" or "version")
                translated.Add("--" + args[i]);
            else if (IsOverride(args[i]))
            {
                var change = args[i][2..];
                // -key=value, or the value on its own; "--bootstrapNode" alone is Tessera's flag.
                if (!change.Contains('=', StringComparison.Ordinal))
                    change += "=" + (i + 1 < args.Length && !args[i + 1].StartsWith('-') ? args[++i] : "true");
                translated.AddRange(["-o", change]);
            }
            else
                translated.Add(args[i]);
        }

        return [.. translated];
    }

    private static bool IsOverride(string argument) =>
        argument.StartsWith("--", StringComparison.Ordinal)
        && Members.Contains(argument[2..].Split('.', '[', '=')[0]) && argument != "--version";

    private static void Refuse(string argument)
    {
        switch (argument)
        {
            case "-keygen" or "--keygen" or "keygen":
                throw new UsageException(
                    $"{argument}: keys are made by another program: qmesh keys new FILE [--password-file F] writes FILE.key and FILE.pub");
            case "-updatepassword" or "--updatepassword" or "keyupdate":
                throw new UsageException(
                    $"{argument} is not in this version: lock the key file anew with Tessera's own keyupdate; its files are read as they "
                    + "are");
        }
    }
}
