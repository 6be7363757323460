using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Org.BouncyCastle.Pkcs;
using Org.BouncyCastle.Security;

namespace QuorumMesh.Tls;

/// <summary>
/// Key and trust stores of Java, by what is in the file as the JDK does: JKS (magic FEEDFEED) or PKCS#12. Of several entries with a key one
/// of an elliptic curve goes first, which is what the JDK serves to a modern client (tessera 14.4).
/// </summary>
internal static class KeyStoreReader
{
    private const uint JksMagic = 0xFEEDFEED;

    /// <exception cref="CryptographicException">Wrong password, or no store.</exception>
    /// <exception cref="IOException">The same, of a JKS.</exception>
    public static LoadedCertificate ReadCertificate(byte[] store, string? password)
    {
        var found = IsJks(store) ? OfJks(store, password) : OfPkcs12(store, password);
        if (found.Count == 0) throw new FormatException("there is no private key in the store");
        return found.Find(c => c.Own.GetECDsaPublicKey() is not null) ?? found[0];
    }

    /// <summary>Every certificate of the store: those that are trusted, as Java's trust stores hold them.</summary>
    public static X509Certificate2Collection ReadAnchors(byte[] store, string? password)
    {
        if (!IsJks(store)) return X509CertificateLoader.LoadPkcs12Collection(store, password);
        var jks = Open(store, password);
        return [.. jks.Aliases.Where(jks.IsCertificateEntry).Select(a => Certificate(jks.GetCertificate(a).GetEncoded()))];
    }

    private static bool IsJks(byte[] store) => store.Length > 4 && BinaryPrimitives.ReadUInt32BigEndian(store) == JksMagic;

    private static List<LoadedCertificate> OfPkcs12(byte[] store, string? password)
    {
        var all = X509CertificateLoader.LoadPkcs12Collection(store, password);
        return [.. all.Where(c => c.HasPrivateKey)
            .Select(own => new LoadedCertificate(own, [.. all.Where(c => !c.HasPrivateKey && c.Subject != own.Subject)]))];
    }

    private static List<LoadedCertificate> OfJks(byte[] store, string? password)
    {
        var jks = Open(store, password);
        var found = new List<LoadedCertificate>();
        foreach (var alias in jks.Aliases.Where(jks.IsKeyEntry).Order(StringComparer.Ordinal))
        {
            var key = PrivateKeyInfoFactory.CreatePrivateKeyInfo(jks.GetKey(alias, (password ?? "").ToCharArray())).GetEncoded();
            var chain = jks.GetCertificateChain(alias).Select(c => Certificate(c.GetEncoded())).ToArray();
            if (chain.Length > 0) found.Add(new LoadedCertificate(WithKey(chain[0], key), chain[1..]));
        }
        return found;
    }

    private static JksStore Open(byte[] store, string? password)
    {
        var jks = new JksStore();
        using var stream = new MemoryStream(store, writable: false);
        jks.Load(stream, (password ?? "").ToCharArray());
        return jks;
    }

    private static X509Certificate2 Certificate(byte[] der) => X509CertificateLoader.LoadCertificate(der);

    private static X509Certificate2 WithKey(X509Certificate2 certificate, byte[] pkcs8)
    {
        try
        {
            if (certificate.GetRSAPublicKey() is not null)
            {
                using var rsa = RSA.Create();
                rsa.ImportPkcs8PrivateKey(pkcs8, out _);
                return certificate.CopyWithPrivateKey(rsa);
            }
            using var curve = ECDsa.Create();
            curve.ImportPkcs8PrivateKey(pkcs8, out _);
            return certificate.CopyWithPrivateKey(curve);
        }
        finally
        {
            CryptographicOperations.ZeroMemory(pkcs8);
        }
    }
}
