using QuorumMesh.Contracts;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.TxManager.Core.Parties;
using QuorumMesh.TxManager.Storage;
using QuorumMesh.TxManager.Storage.Model;

namespace QuorumMesh.TxManager.Configuration;

/// <summary>What the command line sets beside the file.</summary>
public sealed record CommandLineSettings(
    string ConfigFile, IReadOnlyList<string> Overrides, string? HealthUrl = null, string? Grpc = null, string? Enclave = null,
    bool LogJson = false, bool Debug = false, bool Recover = false);

/// <summary>
/// Reads Tessera's JSON configuration as it stands (tessera 7); our own settings are in its member <c>quorummesh</c>: grpc, grpcTls,
/// healthUrl, enclave, enclaveTls, database, rowCodec, maxBodyBytes, maxListenerMegabytes, bodyWaitMs, peerTimeoutMs, pushTimeoutMs,
/// enclaveTimeoutMs, keyMoveAfterSeconds, tesseraPeers, resend, identities.
/// </summary>
public static class ManagerConfig
{
    /// <exception cref="OptionsException">A setting cannot be used; the message names its key.</exception>
    public static ManagerOptions Read(CommandLineSettings settings)
    {
        var root = ConfigNode.Load(settings.ConfigFile, settings.Overrides);
        var directory = Path.GetDirectoryName(Path.GetFullPath(settings.ConfigFile))!;
        var own = root["quorummesh"];
        RefuseUnsupported(root);
        ConfigNotices.RefuseEncrypted(root);

        var servers = ServerSettings.Read(root["serverConfigs"]);
        AddGrpc(servers, settings.Grpc, own["grpc"], own["grpcTls"]);
        if (servers.Servers.Find(s => s.Listen.IsHttps && !s.HasTls) is { } bare)
            throw new OptionsException(bare.Listen.Key, "says https, and no certificate is configured for it: plain text would be spoken");
        if (!root["bootstrapNode"].Flag() && !servers.Servers.Exists(s => s.Kind is AppKind.Q2T or AppKind.Grpc))
            throw new OptionsException("serverConfigs", "needs a server with app Q2T for the node (or set bootstrapNode to true)");
        var enclave = EnclaveAddress(settings.Enclave, own["enclave"], servers, root["keys"]);
        if (enclave is null && settings.Overrides.FirstOrDefault(o => o.StartsWith("keys", StringComparison.Ordinal)) is { } change)
            throw new OptionsException(change.Split('=')[0], "keys are read from the file itself: write them there");
        var interval = Milliseconds(servers.P2PProperties["partyInfoInterval"], 5000);
        return new ManagerOptions
        {
            Servers = servers.Servers,
            OwnUrl = servers.OwnUrl!,
            AnnouncedUrl = servers.AnnouncedUrl!,
            Peers = [.. root["peer"].Items().Select(ReadPeer).Distinct()],
            Database = DatabaseSetting.Read(root, directory),
            RowCodec = ReadRowCodec(own["rowCodec"]),
            EnclaveAddress = enclave,
            EnclaveTls = EnclaveTls(enclave, own["enclaveTls"]),
            KeysFile = settings.ConfigFile,
            Notices = ConfigNotices.Read(root),
            Debug = settings.Debug,
            AlwaysSendTo = [.. root["alwaysSendTo"].Items().Select(ReadKey)],
            UseWhiteList = root["useWhiteList"].Flag(),
            DisablePeerDiscovery = root["disablePeerDiscovery"].Flag(),
            EnableRemoteKeyValidation = root["features"]["enableRemoteKeyValidation"].Flag(),
            PartyInfoInterval = interval,
            OpenResend = OpenResend(own),
            PrivacyEnhancements = root["features"]["enablePrivacyEnhancements"].Flag(),
            Identities = ReadIdentities(own["identities"]),
            KeyMoveAfter = TimeSpan.FromSeconds(own["keyMoveAfterSeconds"].Number(3600, 60, 31 * 86_400)),
            ResendWait = Milliseconds(servers.P2PProperties["resendWaitTime"], 7_200_000),
            EnclaveKeySyncInterval = Milliseconds(servers.P2PProperties["enclaveKeySyncInterval"], 2000),
            PeerTimeout = Milliseconds(own["peerTimeoutMs"], Math.Max(3750, (long)Math.Ceiling(interval.TotalMilliseconds * 0.75))),
            PushTimeout = Milliseconds(own["pushTimeoutMs"].Exists ? own["pushTimeoutMs"] : own["peerTimeoutMs"], 20_000),
            EnclaveTimeout = Milliseconds(own["enclaveTimeoutMs"], 3000),
            MaxBody = own["maxBodyBytes"].Number(ManagerOptions.DefaultMaxBody, 1024, ManagerOptions.DefaultMaxBody),
            BodyWait = TimeSpan.FromMilliseconds(own["bodyWaitMs"].Number(30_000, 0, 600_000)),
            MaxListenerBytes = own["maxListenerMegabytes"].Number(256, 32, 65_536) * 1024L * 1024,
            HealthUrl = settings.HealthUrl ?? own["healthUrl"].Text(),
            LogJson = settings.LogJson || own["logJson"].Flag(),
        };
    }

    /// <summary>The database alone: what a look at the store needs.</summary>
    /// <exception cref="OptionsException">A setting cannot be used; the message names its key.</exception>
    public static StoreProvider ReadDatabase(string configFile, IReadOnlyList<string> overrides) =>
        DatabaseSetting.Read(ConfigNode.Load(configFile, overrides), Path.GetDirectoryName(Path.GetFullPath(configFile))!)();

    private static void RefuseUnsupported(ConfigNode root)
    {
        foreach (var old in new[] { "server", "unixSocketFile" })
            if (root[old].Exists)
                throw new OptionsException(old,
                    "is of Tessera before 0.10, whose servers were written in another form; write them as serverConfigs, one with "
                        + "app P2P and one with app Q2T");

        if (root["mode"].Text() is { } mode)
            OptionRules.OneOf("mode", mode, "tessera");
        if (root["features"]["enableMultiplePrivateStates"] is var states && states.Flag())
            throw new OptionsException(states.Path, "is not supported by this version; set it to false");

        if (root["encryptor"]["type"].Text() is { } encryptor)
            OptionRules.OneOf("encryptor.type", encryptor, "NACL");
    }

    /// <summary>
    /// A file without a word of ours is a Tessera's, and so are its peers, until <c>tesseraPeers</c> says otherwise; <c>resend</c> decides
    /// in any case.
    /// </summary>
    private static bool OpenResend(ConfigNode own) => own["resend"].Text() is { } text
        ? OptionRules.OneOf(own["resend"].Path, text, "proven", "open") == "open"
        : own["tesseraPeers"].Flag(otherwise: !own.Exists);

    private static RowCodec? ReadRowCodec(ConfigNode node) => node.Text() is { } text
        ? OptionRules.OneOf(node.Path, text, "LEGACY", "CBOR") == "CBOR" ? RowCodec.Cbor : RowCodec.Legacy
        : null;

    private static void AddGrpc(ServerSettings servers, string? flag, ConfigNode node, ConfigNode tls)
    {
        if ((flag ?? node.Text()) is not { } address)
        {
            if (tls.Exists) throw Idle(tls, "quorummesh.grpc (or --grpc), the address that it is for,");
            return;
        }
        var bound = ListenAddress.ParseWithTls(flag is null ? node.Path : "--grpc", address);
        if (!bound.IsLoopback && !bound.IsHttps)
            throw new OptionsException(bound.Key, $"'{address}' is not on loopback, and whoever reaches it reads every payload: use "
                + "unix:/path or 127.0.0.1, or https://host:port with quorummesh.grpcTls");
        servers.Servers.Add(new AppServer(AppKind.Grpc, bound, Pinned: PinnedLink.Read(bound.IsHttps, tls, "node")));
    }

    /// <returns>Null for a configuration as Tessera's without an enclave of its own: the keys are in it.</returns>
    private static string? EnclaveAddress(string? flag, ConfigNode node, ServerSettings servers, ConfigNode keys)
    {
        var own = flag ?? node.Text();
        if (own is not null)
            ListenAddress.CheckCalled(flag is null ? node.Path : "--enclave", own);
        var address = (own ?? servers.EnclaveAddress)?.Trim();
        if (address is null)
            return keys["keyData"].Items().Count > 0 ? null : throw new OptionsException(
                "serverConfigs",
                "needs a server with app ENCLAVE whose serverAddress is the enclave's, for example unix:/data/enclave.ipc, or keys.keyData "
                    + "for an enclave in this process");
        return address.StartsWith("grpc://", StringComparison.OrdinalIgnoreCase) ? "http://" + address[7..] : address;
    }

    private static PinnedLink? EnclaveTls(string? address, ConfigNode tls)
    {
        if (address is not null)
            return PinnedLink.Read(address.StartsWith("https:", StringComparison.OrdinalIgnoreCase), tls, "enclave");
        return tls.Exists ? throw Idle(tls, "an enclave of its own (quorummesh.enclave, --enclave)") : null;
    }

    /// <summary>Whoever writes it takes a link for protected that is not there.</summary>
    private static OptionsException Idle(ConfigNode tls, string missing) => new(tls.Path, $"is given, and {missing} is not");

    private static string ReadPeer(ConfigNode peer) =>
        PeerUrl.Normalize(peer["url"].Required()) ?? throw new OptionsException(peer["url"].Path, "must be http://host:port");

    private static PublicKey ReadKey(ConfigNode node) =>
        PublicKey.TryFromBase64(node.Required(), out var key) && key.Length == 32
            ? key
            : throw new OptionsException(node.Path, "must be a public key of 32 bytes in base64");

    /// <summary>Entries with <c>identity</c> and its <c>keys</c>.</summary>
    private static Dictionary<PublicKey, PublicKey> ReadIdentities(ConfigNode list)
    {
        var pinned = new Dictionary<PublicKey, PublicKey>();
        foreach (var entry in list.Items())
        {
            var identity = ReadKey(entry["identity"]);
            foreach (var key in entry["keys"].Items())
                if (!pinned.TryAdd(ReadKey(key), identity))
                    throw new OptionsException(key.Path, "is pinned a second time");
        }

        return pinned;
    }

    private static TimeSpan Milliseconds(ConfigNode node, long otherwise) =>
        TimeSpan.FromMilliseconds(node.Number(otherwise, 50, 86_400_000));
}
