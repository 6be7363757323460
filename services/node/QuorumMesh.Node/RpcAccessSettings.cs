using System.Net;
using QuorumMesh.Node.Rpc.Access;
using QuorumMesh.Outbound;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.Tls;

namespace QuorumMesh.Node;

/// <summary>The flags --rpc.tls.…, --rpc.jwt.…, --rpc.rate and --rpc.insecure; null where one is absent.</summary>
public sealed record RpcAccessSettings
{
    public string? Certificate { get; init; }
    public string? Key { get; init; }
    public string? Store { get; init; }
    public string? PasswordFile { get; init; }
    public string? ClientAuthorities { get; init; }

    /// <summary>A path, or an https URL.</summary>
    public string? KeySet { get; init; }
    public string? KeySetAuthorities { get; init; }
    public IReadOnlyList<string> Issuers { get; init; } = [];
    public IReadOnlyList<string> Audiences { get; init; } = [];
    public string ScopeClaim { get; init; } = "scope";
    public TimeSpan Skew { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Calls in a second for each caller; 0 for no limit.</summary>
    public int Rate { get; init; }
    public bool Insecure { get; init; }

    private bool HasTls => Certificate is not null || Store is not null;

    private bool KnowsCallers => KeySet is not null || ClientAuthorities is not null;

    /// <exception cref="OptionsException">Names the flag that is wrong.</exception>
    public void Validate()
    {
        if (Certificate is null != Key is null)
            throw new OptionsException(Certificate is null ? "--rpc.tls.key" : "--rpc.tls.cert",
                "certificate and key go together: give --rpc.tls.cert and --rpc.tls.key");
        if (Certificate is not null && Store is not null)
            throw new OptionsException("--rpc.tls.store", "and --rpc.tls.cert name two certificates: give one of them");
        if (ClientAuthorities is not null && !HasTls)
            throw new OptionsException("--rpc.tls.clientca", "client certificates need TLS: give --rpc.tls.cert and --rpc.tls.key");
        OptionRules.Range("--rpc.rate", Rate, 0, 1_000_000);
        ValidateTokens();
    }

    /// <exception cref="OptionsException">Strangers could reach a listener that does not know its callers, or read along.</exception>
    public void Require(string flag, RpcListener listener)
    {
        if (!listener.Enabled || NodeSettings.IsLoopback(listener.Address) || Insecure || (HasTls && KnowsCallers)) return;
        throw new OptionsException(flag, $"{listener.Address} is not on loopback: there JSON-RPC needs TLS (--rpc.tls.cert and "
            + "--rpc.tls.key) and callers who prove who they are (--rpc.jwt.jwks, or --rpc.tls.clientca). Behind a proxy that does both, "
            + "or on a laptop, give --rpc.insecure");
    }

    /// <summary>A line for every start, or null.</summary>
    public string? Warning(params IEnumerable<RpcListener> listeners)
    {
        var open = listeners.Where(l => l.Enabled && !NodeSettings.IsLoopback(l.Address)).Select(l => $"{l.Address}:{l.Port}").ToList();
        if (!Insecure || open.Count == 0 || (HasTls && KnowsCallers)) return null;
        return $"--rpc.insecure: JSON-RPC on {string.Join(" and ", open)} is served {(HasTls ? "" : "without TLS")}"
            + $"{(HasTls || KnowsCallers ? "" : " and ")}{(KnowsCallers ? "" : "without asking who calls")}: whoever reaches it reads this "
            + "party's private state and sends transactions";
    }

    /// <exception cref="TlsSetupException">A file cannot be used.</exception>
    internal RpcAccessOptions Open(TlsMaterials materials, OutboundHandlers handlers, Action<string> tell)
    {
        TlsServer? tls = null;
        if (HasTls)
        {
            var certificate = materials.Certificate("rpc", Store is null ? "--rpc.tls.cert" : "--rpc.tls.store", Files());
            var clients = ClientAuthorities is { } path ? materials.Authorities("--rpc.tls.clientca", [path]) : null;
            tls = new TlsServer("rpc", certificate, clients);
            tls.Told += tell;
        }
        var tokens = KeySet is null ? null
            : new TokenOptions { Issuers = Issuers, Audiences = Audiences, Skew = Skew, ScopeClaim = ScopeClaim };
        return new RpcAccessOptions { Tls = tls, Tokens = tokens, Keys = OpenKeys(materials, handlers, tell), Rate = Rate };
    }

    private CertificateFiles Files()
    {
        var password = PasswordFile is null ? null : File.ReadLines(PasswordFile).FirstOrDefault();
        return Store is null ? CertificateFiles.Pem("--rpc.tls.cert", Certificate!, Key!, password)
            : CertificateFiles.Store("--rpc.tls.store", Store, password);
    }

    private ITokenKeys? OpenKeys(TlsMaterials materials, OutboundHandlers handlers, Action<string> tell)
    {
        if (KeySet is not { } from) return null;
        if (Url(from) is not { } url) return new TokenKeyFile("--rpc.jwt.jwks", from, materials);
        var tls = KeySetAuthorities is { } path
            ? new TlsClient("jwks", certificate: null, materials.Authorities("--rpc.jwt.ca", [path])) : null;
        return new TokenKeyUrl(url, handlers, tls, tell, TimeProvider.System);
    }

    private void ValidateTokens()
    {
        if (PasswordFile is not null) OptionRules.ExistingFile("--rpc.tls.passwordfile", PasswordFile);
        if (KeySet is null)
        {
            if (Issuers.Count + Audiences.Count > 0 || KeySetAuthorities is not null)
                throw new OptionsException("--rpc.jwt.jwks", "is missing: without the keys of who issues tokens none can be checked");
            return;
        }
        if (Issuers.Count == 0) throw new OptionsException("--rpc.jwt.issuer", "is missing: who may issue tokens?");
        if (Audiences.Count == 0)
            throw new OptionsException("--rpc.jwt.audience", "is missing: a token for another service would be good here");
        if (ScopeClaim.Length == 0) throw new OptionsException("--rpc.jwt.claim", "is empty: scope is usual, scp in Azure");
        if (Url(KeySet) is not { } url) return;
        var isLocal = url.IsLoopback || (IPAddress.TryParse(url.Host, out var address) && IPAddress.IsLoopback(address));
        if (url.Scheme != Uri.UriSchemeHttps && !isLocal)
            throw new OptionsException("--rpc.jwt.jwks", "keys from an http URL could be anybody's: give an https one, or a file");
    }

    private static Uri? Url(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var url) && url.Scheme is "http" or "https" ? url : null;
}
