using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using QuorumMesh.Node.Network.Identity;

namespace QuorumMesh.Node.Network.Tests.Identity;

/// <summary>Whose a certificate says that it is, and what makes that worth something.</summary>
public sealed class NodeCertificateTests : IDisposable
{
    private static readonly DateTimeOffset Now = new(2026, 6, 1, 12, 0, 0, 700, TimeSpan.Zero);

    private readonly NodeKey _node = NodeKey.Generate();
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);

    public void Dispose()
    {
        _node.Dispose();
        _key.Dispose();
    }

    [Fact]
    public void A_certificate_names_the_node_that_made_it()
    {
        using var made = NodeCertificate.Make(_node, Now);
        Assert.True(made.HasPrivateKey);
        Assert.Equal(_node.PublicKey, NodeCertificate.Read(Sent(made))!.Node);
        Assert.True(made.NotBefore.ToUniversalTime() < Now && made.NotAfter.ToUniversalTime() > Now + NodeCertificate.Renewal);
    }

    [Fact]
    public void Each_has_a_TLS_key_of_its_own()
    {
        using var first = NodeCertificate.Make(_node, Now);
        using var second = NodeCertificate.Make(_node, Now);
        Assert.NotEqual(first.GetPublicKey(), second.GetPublicKey());
    }

    [Fact]
    public void One_that_speaks_of_no_node_says_nothing()
    {
        using var plain = new CertificateRequest("CN=x", _key, HashAlgorithmName.SHA256).CreateSelfSigned(Now, Now.AddDays(1));
        Assert.Null(NodeCertificate.Read(plain));
    }

    [Fact]
    public void What_was_seen_on_another_certificate_is_worth_nothing_on_another_TLS_key()
    {
        using var seen = NodeCertificate.Make(_node, Now);
        Refused(With(_key, seen.NotBefore.ToUniversalTime(), seen.NotAfter.ToUniversalTime(), Extension(seen)), "copied or altered");
    }

    /// <summary>Whoever steals a TLS key has it for the days that the node has signed.</summary>
    [Fact]
    public void A_stolen_TLS_key_cannot_be_given_other_dates()
    {
        using var seen = NodeCertificate.Make(_node, _key, Now, Now.AddDays(1));
        using var same = With(_key, Now, Now.AddDays(1), Extension(seen));
        Assert.Equal(_node.PublicKey, NodeCertificate.Read(same)!.Node);
        Refused(With(_key, Now, Now.AddDays(2), Extension(seen)), "copied or altered");
        Refused(With(_key, Now.AddDays(-1), Now.AddDays(1), Extension(seen)), "copied or altered");
    }

    [Fact]
    public void Another_nodes_name_over_ones_own_signature_is_refused()
    {
        using var other = NodeKey.Generate();
        using var seen = NodeCertificate.Make(_node, _key, Now, Now.AddDays(1));
        var forged = Extension(seen).RawData;
        other.PublicKey.CopyTo(forged, forged.AsSpan().IndexOf(_node.PublicKey));
        Refused(With(_key, Now, Now.AddDays(1), new X509Extension(NodeCertificate.ExtensionOid, forged, false)), "copied or altered");
    }

    [Fact]
    public void An_extension_that_is_damaged_or_there_twice_is_refused()
    {
        using var seen = NodeCertificate.Make(_node, _key, Now, Now.AddDays(1));
        var whole = Extension(seen).RawData;
        foreach (var damaged in new byte[][] { [], [0x30, 0x00], whole[..^1], [.. whole, 0], [.. new byte[1 << 16]] })
            Refused(With(_key, Now, Now.AddDays(1), new X509Extension(NodeCertificate.ExtensionOid, damaged, false)), "damaged");
        var wrongId = (byte[])whole.Clone();
        wrongId[^1] = 200;
        Refused(With(_key, Now, Now.AddDays(1), new X509Extension(NodeCertificate.ExtensionOid, wrongId, false)), "copied or altered");
    }

    private static void Refused(X509Certificate2 certificate, string why)
    {
        using (certificate)
        {
            var proof = NodeCertificate.Read(Sent(certificate));
            Assert.Null(proof!.Node);
            Assert.Contains(why, proof.Problem);
        }
    }

    private static X509Certificate2 With(ECDsa key, DateTimeOffset from, DateTimeOffset to, X509Extension extension)
    {
        var request = new CertificateRequest("CN=thief", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(extension);
        return request.CreateSelfSigned(from, to);
    }

    private static X509Extension Extension(X509Certificate2 certificate) =>
        Assert.Single(certificate.Extensions, e => e.Oid?.Value == NodeCertificate.ExtensionOid);

    /// <summary>As the other side of a connection sees it.</summary>
    private static X509Certificate2 Sent(X509Certificate2 certificate) => X509CertificateLoader.LoadCertificate(certificate.RawData);
}
