using QuorumMesh.ServiceDefaults;
using QuorumMesh.TxManager.Core.Parties;
using QuorumMesh.TxManager.Rest;

namespace QuorumMesh.TxManager.Configuration;

/// <summary>Tessera's serverConfigs (tessera 7.2).</summary>
internal sealed class ServerSettings
{
    public List<AppServer> Servers { get; } = [];

    public string? OwnUrl { get; private set; }

    /// <summary>The same as it is spelled.</summary>
    public string? AnnouncedUrl { get; private set; }

    public string? EnclaveAddress { get; private set; }

    public ConfigNode P2PProperties { get; private set; }

    public static ServerSettings Read(ConfigNode serverConfigs)
    {
        var settings = new ServerSettings();
        foreach (var server in serverConfigs.Items())
            settings.Add(server);

        if (settings.OwnUrl is null)
            throw new OptionsException(serverConfigs.Path, "needs exactly one server with app P2P");
        return settings;
    }

    private void Add(ConfigNode server)
    {
        RefuseOldForms(server);
        var app = OptionRules.OneOf(server["app"].Path, server["app"].Required(), "P2P", "Q2T", "ThirdParty", "ENCLAVE");
        var address = server["serverAddress"].Required();
        if (server["communicationType"].Text() is { } type && app != "ENCLAVE")
            OptionRules.OneOf(server["communicationType"].Path, type, "REST");
        var binding = server["bindingAddress"];
        var listen = binding.Exists ? binding : server["serverAddress"];
        switch (app)
        {
            case "ENCLAVE":
                RefuseTls(server, address);
                ListenAddress.Parse(server["serverAddress"].Path, address);
                EnclaveAddress = address;
                break;
            case "P2P":
                AddP2P(server, address, listen);
                break;
            default:
                var kind = app == "Q2T" ? AppKind.Q2T : AppKind.ThirdParty;
                Servers.Add(new AppServer(kind, ListenAddress.ParseWithTls(listen.Path, listen.Text()), Cors(server["cors"]),
                    SslSettings.Read(server, app)));
                break;
        }
    }

    private static void RefuseOldForms(ConfigNode server)
    {
        if (server["serverSocket"].Exists)
            throw new OptionsException(server["serverSocket"].Path,
                "is of Tessera before 0.10; write serverAddress, http://host:port or unix:/path");
        if (!server["enabled"].Flag(otherwise: true))
            throw new OptionsException(server["enabled"].Path, "is of Tessera before 0.10; leave out a server that is not wanted");
        if (string.Equals(server["app"].Text(), "ADMIN", StringComparison.OrdinalIgnoreCase))
            throw new OptionsException(server["app"].Path,
                "ADMIN is of older Tesseras and gone; leave this server out. An app is one of P2P, Q2T, ThirdParty, ENCLAVE");
        if (server["communicationType"].Text() is { } type && type.ToUpperInvariant() is "GRPC" or "UNIX_SOCKET")
            throw new OptionsException(server["communicationType"].Path,
                $"{type} is of older Tesseras and gone; write REST (our own gRPC for the node is quorummesh.grpc)");
    }

    private void AddP2P(ConfigNode server, string address, ConfigNode listen)
    {
        if (OwnUrl is not null)
            throw new OptionsException(server.Path, "is a second server with app P2P; keep one");
        OptionRules.HttpUrl(server["serverAddress"].Path, address);
        OwnUrl = PeerUrl.Normalize(address);
        AnnouncedUrl = PeerUrl.Spelled(address);
        var bound = ListenAddress.ParseWithTls(listen.Path, listen.Text());
        Servers.Add(new AppServer(AppKind.P2P, bound, Ssl: SslSettings.Read(server, "P2P")));
        P2PProperties = server["properties"];
    }

    private static void RefuseTls(ConfigNode server, string address)
    {
        if (server["sslConfig"]["tls"].Text() is not (null or "OFF"))
            throw new OptionsException(server["sslConfig"]["tls"].Path,
                "STRICT is not supported by this version here; set OFF, and give quorummesh.enclave as https with quorummesh.enclaveTls");
        if (address.StartsWith("https:", StringComparison.OrdinalIgnoreCase))
            throw new OptionsException(server["serverAddress"].Path,
                "https is not supported by this version here; give quorummesh.enclave as https with quorummesh.enclaveTls");
    }

    private static CorsPolicy? Cors(ConfigNode cors)
    {
        if (!cors.Exists)
            return null;
        string[] methods = [.. cors["allowedMethods"].Items().Select(i => i.Required())];
        return new CorsPolicy(
            [.. cors["allowedOrigins"].Items().Select(i => i.Required())],
            methods.Length > 0 ? methods : CorsPolicy.DefaultMethods,
            [.. cors["allowedHeaders"].Items().Select(i => i.Required())],
            cors["allowCredentials"].Flag(otherwise: true));
    }
}
