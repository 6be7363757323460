using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Time.Testing;

namespace QuorumMesh.Tls.Tests;

/// <summary>The file of known peers, by odd names and after a crash.</summary>
public sealed class KnownPeersTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.UtcNow);
    private readonly List<string> _told = [];

    public void Dispose() => _directory.Dispose();

    [Theory]
    [InlineData("#1 node")]
    [InlineData("# node")]
    [InlineData("a#b")]
    [InlineData("%23x")]
    public void A_name_is_known_after_a_restart_whatever_it_begins_with(string name)
    {
        var path = _directory.File("known");
        using var first = Named(name);
        using var second = Named(name);
        using (var materials = new TlsMaterials(_clock))
            Assert.Null(Trust(materials, path).Refuse(first, [], PeerRole.Client));
        using var again = new TlsMaterials(_clock);
        var trust = Trust(again, path);
        Assert.Null(trust.Refuse(first, [], PeerRole.Client));
        Assert.Contains("has another certificate", trust.Refuse(second, [], PeerRole.Client));
        Assert.Single(File.ReadAllLines(path));
    }

    [Theory]
    [InlineData("peer aa\n", "cut")]
    [InlineData("", "cut-off")]
    [InlineData("peer aa\n", "")]
    public void A_line_that_was_cut_off_is_told_and_written_over(string before, string torn)
    {
        var path = _directory.Write("known", before + torn);
        using var peer = Named("next");
        using (var materials = new TlsMaterials(_clock))
        {
            var trust = Trust(materials, path);
            materials.Watch(_told.Add);
            _clock.Advance(TimeSpan.FromSeconds(11));
            Assert.Equal(torn.Length > 0 ? 1 : 0, _told.Count);
            Assert.All(_told, line => Assert.Contains("is unfinished and is passed over", line));
            Assert.Null(trust.Refuse(peer, [], PeerRole.Client));
        }
        Assert.Equal($"{before}next {KnownPeers.FingerprintOf(peer)}\n", File.ReadAllText(path));
        using var again = new TlsMaterials(_clock);
        Assert.Null(again.Known("list", path, mustExist: true).Find("cut"));
    }

    [Fact]
    public void A_line_of_one_word_that_was_ended_still_stops_the_start()
    {
        var path = _directory.Write("known", "word\npeer aa\n");
        using var materials = new TlsMaterials(_clock);
        Assert.Contains("line 1", Assert.Throws<TlsSetupException>(() => materials.Known("list", path, mustExist: true)).Message);
    }

    private static KnownPeersTrust Trust(TlsMaterials materials, string path) =>
        new(materials.Known("list", path, mustExist: false), takesNew: true);

    private static X509Certificate2 Named(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var subject = new X500DistinguishedNameBuilder();
        subject.AddCommonName(name);
        return new CertificateRequest(subject.Build(), key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
    }
}
