using System.Net.Security;
using System.Text.RegularExpressions;

namespace QuorumMesh.Tls;

/// <summary>Tessera's excludeCipherSuites: regular expressions over IANA's names.</summary>
public static class CipherSuites
{
    /// <summary>With forward secrecy and authenticated encryption: what every peer of today speaks.</summary>
    private static readonly TlsCipherSuite[] Offered =
    [
        TlsCipherSuite.TLS_AES_256_GCM_SHA384, TlsCipherSuite.TLS_AES_128_GCM_SHA256, TlsCipherSuite.TLS_CHACHA20_POLY1305_SHA256,
        TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
        TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TlsCipherSuite.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
        TlsCipherSuite.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, TlsCipherSuite.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
    ];

    /// <returns>Null where nothing is excluded: the system's own choice.</returns>
    /// <exception cref="TlsSetupException">One is no regular expression, or nothing is left.</exception>
    public static CipherSuitesPolicy? Without(string setting, IReadOnlyList<string> patterns)
    {
        if (patterns.Count == 0) return null;
        if (OperatingSystem.IsWindows()) throw new TlsSetupException(setting, "is not offered on Windows, which chooses for all programs");
        List<Regex> excluded;
        try
        {
            excluded = [.. patterns.Select(p => new Regex($"^(?:{p})$", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant))];
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            throw new TlsSetupException(setting, $"is no regular expression that can be used here: {e.Message}", e);
        }
        var left = Offered.Where(suite => !excluded.Exists(e => e.IsMatch(suite.ToString()))).ToList();
        return left.Count > 0 ? new CipherSuitesPolicy(left) : throw new TlsSetupException(setting, "leaves no cipher suite at all");
    }
}
