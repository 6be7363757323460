using System.Net;
using System.Net.Security;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.Tls;

namespace QuorumMesh.TxManager.Configuration;

/// <summary>Tessera's sslConfig of one server whose <c>tls</c> is STRICT (tessera 7.3, 14.6).</summary>
public sealed class SslSettings
{
    private readonly ConfigNode _ssl;
    private readonly SslSide? _server;
    private readonly SslSide? _client;

    private SslSettings(ConfigNode ssl, SslSide? server, SslSide? client) => (_ssl, _server, _client) = (ssl, server, client);

    /// <param name="server">An entry of serverConfigs.</param>
    /// <param name="app">Its app; P2P calls others too, and so has both sides.</param>
    /// <returns>Null where plain text is spoken: <c>tls</c> OFF, no sslConfig, or a Unix socket.</returns>
    /// <exception cref="OptionsException">A member cannot be used; the message names it.</exception>
    internal static SslSettings? Read(ConfigNode server, string app)
    {
        var (ssl, address) = (server["sslConfig"], server["serverAddress"]);
        var isStrict = ssl["tls"].Text() switch
        {
            null or "OFF" => false,
            "STRICT" => true,
            var other => throw new OptionsException(ssl["tls"].Path, $"'{other}' is neither STRICT nor OFF, in capitals"),
        };
        if (address.Text()!.StartsWith("unix:", StringComparison.OrdinalIgnoreCase))
        {
            var binding = server["bindingAddress"];
            return !isStrict || binding.Text()?.Trim().StartsWith("unix:", StringComparison.OrdinalIgnoreCase) is null or true ? null
                : throw new OptionsException(binding.Path,
                    "is no Unix socket as serverAddress is, and sslConfig.tls is STRICT: write https://host:port as serverAddress, or "
                    + "leave it out");
        }
        var saysHttps = address.Text()!.StartsWith("https:", StringComparison.OrdinalIgnoreCase);
        if (saysHttps && !isStrict)
            throw new OptionsException(address.Path,
                "says https, and sslConfig.tls is not STRICT: set it, with a certificate, or write http");
        if (!saysHttps && isStrict)
            throw new OptionsException(address.Path, "says http, and sslConfig.tls is STRICT: write https, or nobody would reach it");
        return isStrict ? Read(ssl, app, address.Text()!) : null;
    }

    /// <summary>For one listener.</summary>
    /// <exception cref="TlsSetupException">A file cannot be used.</exception>
    public TlsServer Server(TlsMaterials materials, string link) => new(link, _server!.Certificate(materials, link + "-server"),
        _ssl["clientAuth"].Flag(otherwise: true) ? _server.Trust(materials) : null)
    { Suites = Suites() };

    /// <summary>For what calls other managers.</summary>
    /// <exception cref="TlsSetupException">A file cannot be used.</exception>
    public TlsClient Client(TlsMaterials materials, string link) =>
        new(link, _client!.Certificate(materials, link + "-client"), _client.Trust(materials)) { Suites = Suites() };

    private static SslSettings Read(ConfigNode ssl, string app, string address)
    {
        var type = ssl["sslConfigType"].Text();
        var sides = type is null ? "SERVER_AND_CLIENT"
            : OptionRules.OneOf(ssl["sslConfigType"].Path, type, "SERVER_ONLY", "CLIENT_ONLY", "SERVER_AND_CLIENT");
        var generated = Generated(address);
        if (app == "P2P")
        {
            if (sides != "SERVER_AND_CLIENT")
                throw new OptionsException(ssl["sslConfigType"].Path,
                    "must be SERVER_AND_CLIENT: the P2P server's manager calls others too");
            return new SslSettings(ssl, new SslSide(ssl, "server", generated), new SslSide(ssl, "client", generated));
        }
        return sides != "CLIENT_ONLY" ? new SslSettings(ssl, new SslSide(ssl, "server", generated), null)
            : throw new OptionsException(ssl["sslConfigType"].Path, $"must be SERVER_ONLY: nobody is called with the settings of {app}");
    }

    private CipherSuitesPolicy? Suites()
    {
        var excluded = _ssl["excludeCipherSuites"];
        return CipherSuites.Without(excluded.Path, [.. excluded.Items().Select(i => i.Required())]);
    }

    /// <summary>
    /// Names what is advertised: Tessera takes the bound address, so that two managers that bind 0.0.0.0 are one to TOFU, and leaves out
    /// the host name, which all clients want there (tessera 14.4).
    /// </summary>
    private static GeneratedStore Generated(string address)
    {
        var url = new Uri(address);
        List<string> names = ["localhost", Dns.GetHostName()];
        List<IPAddress> addresses = [IPAddress.Loopback];
        if (IPAddress.TryParse(url.DnsSafeHost, out var own)) addresses.Add(own);
        else names.Add(url.DnsSafeHost);
        return new GeneratedStore($"{url.Host}:{url.Port}", names.Distinct(), addresses.Distinct());
    }
}
