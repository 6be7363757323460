using System.Security.Cryptography.X509Certificates;

namespace QuorumMesh.Tls;

internal static class Chains
{
    private const int LongestName = 200;

    /// <summary>For the chain that .NET builds in any case: nothing is fetched for it, wherever a stranger's certificate points.</summary>
    public static X509ChainPolicy Offline() => new()
    {
        TrustMode = X509ChainTrustMode.CustomRootTrust,
        RevocationMode = X509RevocationMode.NoCheck,
        DisableCertificateDownloads = true,
    };

    public static X509Certificate2Collection Between(X509Chain? chain) => chain?.ChainPolicy.ExtraStore ?? [];

    /// <summary>Subject and thumbprint, for a log: a stranger's text is cut and has no control characters.</summary>
    public static string Name(X509Certificate2 certificate)
    {
        var subject = new string([.. certificate.Subject.Take(LongestName).Select(c => char.IsControl(c) ? '?' : c)]);
        return $"'{subject}' (SHA-1 {certificate.Thumbprint.ToLowerInvariant()})";
    }
}
