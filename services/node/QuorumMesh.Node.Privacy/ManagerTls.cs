using QuorumMesh.Tls;

namespace QuorumMesh.Node.Privacy;

/// <summary>
/// GoQuorum's strict TLS to its manager (common/http/config.go): --ptm.tls.…, or TlsMode and what goes with it in a TOML file.
/// </summary>
/// <param name="File">The TOML file; null for the flags.</param>
/// <param name="RootCa">PEM file of the CAs that stand for the manager's certificate.</param>
/// <param name="Certificate">PEM file of what the node shows; null shows none.</param>
/// <param name="Key">PEM file of its private key.</param>
/// <param name="SkipVerify">Whoever answers is taken for the manager.</param>
public sealed record ManagerTls(string? File, string? RootCa, string? Certificate, string? Key, bool SkipVerify)
{
    /// <summary>For the log: that nobody is checked. Null when the manager is.</summary>
    public string? Warning => !SkipVerify ? null : $"{Name("--ptm.tls.insecureskipverify", "TlsInsecureSkipVerify")}: whoever answers at "
        + $"{(File is null ? "--ptm.url" : "HttpUrl")} is taken for the manager, and is sent private payloads";

    /// <exception cref="FormatException">Half of it is missing; the message names the setting.</exception>
    public void Validate(Uri? url)
    {
        if (url?.Scheme != Uri.UriSchemeHttps)
            throw new FormatException($"{Name("--ptm.tls.mode", "TlsMode")}: strict needs the manager's https address "
                + $"({(File is null ? "--ptm.url" : "HttpUrl")})");
        if (RootCa is null && !SkipVerify)
            throw new FormatException($"{Name("--ptm.tls.rootca", "TlsRootCA")} is missing: which CA stands for the manager?");
        if (Certificate is null != Key is null)
            throw new FormatException($"{Name("--ptm.tls.clientcert", "TlsClientCert")} and {Name("--ptm.tls.clientkey", "TlsClientKey")} "
                + "go together: give both or none");
    }

    /// <exception cref="TlsSetupException">A file cannot be used.</exception>
    public TlsClient Client(TlsMaterials materials)
    {
        var setting = Name("--ptm.tls.clientcert", "TlsClientCert");
        var own = Certificate is null ? null
            : materials.Certificate("manager-client", setting, CertificateFiles.Pem(setting, Certificate, Key!));
        return SkipVerify ? new TlsClient("manager", own, new AnyPeerTrust(), namesCount: false)
            : new TlsClient("manager", own, materials.Authorities(Name("--ptm.tls.rootca", "TlsRootCA"), [RootCa!]));
    }

    private string Name(string flag, string key) => File is null ? flag : $"{File}: {key}";
}
