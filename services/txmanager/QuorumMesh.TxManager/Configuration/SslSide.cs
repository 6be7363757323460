using QuorumMesh.ServiceDefaults;
using QuorumMesh.Tls;

namespace QuorumMesh.TxManager.Configuration;

/// <summary>Whom one side of a TLS link takes (tessera 7.3, 14.1).</summary>
internal enum SslTrustMode
{
    /// <summary>Certificates of the trusted CAs.</summary>
    Authorities,

    /// <summary>Whoever comes first under a name, from then on with that certificate: TOFU.</summary>
    FirstUse,

    /// <summary>The list's: WHITELIST.</summary>
    Listed,

    /// <summary>CA_OR_TOFU.</summary>
    AuthoritiesOrFirstUse,

    /// <summary>NONE: anybody with a certificate.</summary>
    Anybody,
}

/// <summary>One side, server or client, of Tessera's sslConfig: what it shows and whom it takes.</summary>
internal sealed class SslSide
{
    private readonly ConfigNode _ssl;
    private readonly string _side;
    private readonly SslTrustMode _mode;
    private readonly GeneratedStore _generated;

    /// <param name="ssl">A server's member sslConfig.</param>
    /// <param name="side"><c>server</c> or <c>client</c>, as the members begin.</param>
    /// <exception cref="OptionsException">A member cannot be used; the message names it.</exception>
    public SslSide(ConfigNode ssl, string side, GeneratedStore generated)
    {
        (_ssl, _side, _generated) = (ssl, side, generated);
        var mode = ssl[side + "TrustMode"];
        _mode = mode.Text() switch
        {
            "CA" => SslTrustMode.Authorities,
            "TOFU" => SslTrustMode.FirstUse,
            "WHITELIST" => SslTrustMode.Listed,
            "CA_OR_TOFU" => SslTrustMode.AuthoritiesOrFirstUse,
            "NONE" => SslTrustMode.Anybody,
            var other => throw new OptionsException(mode.Path,
                $"'{other}' is not one of CA, TOFU, WHITELIST, CA_OR_TOFU, NONE, in capitals"),
        };
        RequireCertificate();
        if (_mode is SslTrustMode.Authorities or SslTrustMode.AuthoritiesOrFirstUse) RequireAuthorities();
        if (_mode == SslTrustMode.Listed && KnownFile.Text() is null)
            throw new OptionsException(KnownFile.Path, "is missing: with WHITELIST it names the file of who is let in");
    }

    private string Upper => _side.ToUpperInvariant();

    private ConfigNode KnownFile => _ssl[_side == "server" ? "knownClientsFile" : "knownServersFile"];

    private ConfigNode Store => _ssl[_side + "KeyStore"];

    private ConfigNode TrustStore => _ssl[_side + "TrustStore"];

    private ConfigNode TrustFiles => _ssl[_side + "TrustCertificates"];

    private bool Generates => _ssl["generateKeyStoreIfNotExisted"].Flag();

    /// <exception cref="TlsSetupException">A file cannot be used.</exception>
    public CertificateSource Certificate(TlsMaterials materials, string name)
    {
        if (Store.Text() is { } store)
        {
            var password = Password("KEYSTORE", _ssl[_side + "KeyStorePassword"]);
            if (Generates) _generated.WriteIfAbsent(Store.Path, store, password!);
            return materials.Certificate(name, Store.Path, CertificateFiles.Store(Store.Path, store, password));
        }
        var certificate = _ssl[_side + "TlsCertificatePath"];
        return materials.Certificate(name, certificate.Path,
            CertificateFiles.Pem(certificate.Path, certificate.Text()!, _ssl[_side + "TlsKeyPath"].Text()!));
    }

    /// <exception cref="TlsSetupException">A file cannot be used.</exception>
    public PeerTrust Trust(TlsMaterials materials) => _mode switch
    {
        SslTrustMode.Authorities => Authorities(materials),
        SslTrustMode.Listed => new KnownPeersTrust(Known(materials, mustExist: true), takesNew: false),
        SslTrustMode.FirstUse => new KnownPeersTrust(Known(materials, mustExist: false), takesNew: true),
        SslTrustMode.AuthoritiesOrFirstUse =>
            new KnownPeersTrust(Known(materials, mustExist: false), takesNew: true, Authorities(materials)),
        _ => new AnyPeerTrust(),
    };

    private KnownPeers Known(TlsMaterials materials, bool mustExist) =>
        materials.Known(KnownFile.Path, KnownFile.Text() ?? (_side == "server" ? "knownClients" : "knownServers"), mustExist);

    private CaTrust Authorities(TlsMaterials materials) => TrustStore.Text() is { } store
        ? materials.AuthoritiesOfStore(TrustStore.Path, store, Password("TRUSTSTORE", _ssl[_side + "TrustStorePassword"]))
        : materials.Authorities(TrustFiles.Path, [.. TrustFiles.Items().Select(i => i.Required())]);

    private void RequireCertificate()
    {
        if (Store.Text() is not null)
        {
            if (Password("KEYSTORE", _ssl[_side + "KeyStorePassword"]) is null)
                throw new OptionsException(_ssl[_side + "KeyStorePassword"].Path,
                    $"is missing: give it, or set TESSERA_{Upper}_KEYSTORE_PWD in the environment");
            return;
        }
        if (_ssl[_side + "TlsCertificatePath"].Text() is null || _ssl[_side + "TlsKeyPath"].Text() is null)
            throw new OptionsException(Store.Path,
                $"is missing: give it with its password, or {_side}TlsCertificatePath and {_side}TlsKeyPath"
                + (Generates ? "; one is made where this names a file that is not there" : ""));
    }

    private void RequireAuthorities()
    {
        if (TrustStore.Text() is not null)
        {
            if (Password("TRUSTSTORE", _ssl[_side + "TrustStorePassword"]) is null)
                throw new OptionsException(_ssl[_side + "TrustStorePassword"].Path,
                    $"is missing: give it, or set TESSERA_{Upper}_TRUSTSTORE_PWD in the environment");
        }
        else if (TrustFiles.Items().Count == 0)
        {
            throw new OptionsException(TrustStore.Path,
                $"is missing: {_side}TrustMode needs the CAs to trust, as {_side}TrustStore or {_side}TrustCertificates");
        }
    }

    /// <summary>With the configured prefix the environment wins, and without it only where the file says nothing (tessera 14.4).</summary>
    private string? Password(string store, ConfigNode member)
    {
        var name = $"TESSERA_{Upper}_{store}_PWD";
        return Variable($"{_ssl["environmentVariablePrefix"].Text() ?? "null"}_{name}") ?? member.Text() ?? Variable(name);
    }

    private static string? Variable(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}
