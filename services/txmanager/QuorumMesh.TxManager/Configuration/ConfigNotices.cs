using QuorumMesh.ServiceDefaults;

namespace QuorumMesh.TxManager.Configuration;

/// <summary>What a configuration has that this manager does not use: a line for the log each, by the name in the file.</summary>
internal static class ConfigNotices
{
    private static readonly string[] Known =
    [
        "mode", "useWhiteList", "disablePeerDiscovery", "bootstrapNode", "jdbc", "serverConfigs", "peer", "keys", "alwaysSendTo",
        "features", "encryptor", "version", "quorummesh",
    ];

    private static readonly string[] KnownOfServer =
    [
        "app", "serverAddress", "bindingAddress", "communicationType", "cors", "sslConfig", "influxConfig", "properties", "enabled",
        "serverSocket",
    ];

    public static IReadOnlyList<string> Read(ConfigNode root)
    {
        var notices = new List<string>();
        foreach (var member in root.Members().Except(Known))
            notices.Add($"{root[member].Path} is not known here and is passed over");
        foreach (var server in root["serverConfigs"].Items())
        {
            foreach (var member in server.Members().Except(KnownOfServer))
                notices.Add($"{server[member].Path} is not known here and is passed over");
            if (server["influxConfig"].Exists)
                notices.Add(
                    $"{server["influxConfig"].Path} is passed over: metrics are not pushed to InfluxDB, /metrics of quorummesh.healthUrl "
                    + "has them for whoever asks");
        }

        return notices;
    }

    /// <exception cref="OptionsException">A value is encrypted, and cannot be read.</exception>
    public static void RefuseEncrypted(ConfigNode root)
    {
        static bool IsEncrypted(string value) => value.StartsWith("ENC(", StringComparison.Ordinal) && value.EndsWith(')');
        if (root.Texts().FirstOrDefault(t => IsEncrypted(t.Value)) is { Path: { } path })
            throw new OptionsException(path,
                "is encrypted (jasypt's ENC(…)), which this version cannot open: write the value itself, or give it at the start as "
                + $"-o {path}=VALUE");
    }
}
