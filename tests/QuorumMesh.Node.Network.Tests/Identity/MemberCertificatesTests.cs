using System.Net;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Time.Testing;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Network.Identity;
using QuorumMesh.Tests.Shared;
using QuorumMesh.Tls;

namespace QuorumMesh.Node.Network.Tests.Identity;

/// <summary>Which certificates are a member's: by its node key, or of a CA by its recorded name.</summary>
public sealed class MemberCertificatesTests : IDisposable
{
    private readonly NodeKey _node = NodeKey.Generate();
    private readonly TempDirectory _directory = new();
    private readonly TestPki _pki = new();
    private readonly FakeTimeProvider _clock = new(DateTimeOffset.UtcNow);
    private readonly TlsMaterials _materials;

    public MemberCertificatesTests() => _materials = new TlsMaterials(_clock);

    public void Dispose()
    {
        _materials.Dispose();
        _pki.Dispose();
        _directory.Dispose();
        _node.Dispose();
    }

    private RaftAddress Member(string host = "node1.example") => new(1, _node.PublicKey, host, 21000, 50400);

    [Fact]
    public void A_node_is_known_by_its_key_wherever_it_is()
    {
        using var shown = NodeCertificate.Make(_node, _clock.GetUtcNow());
        Assert.Null(Without().Of(Member("anywhere.example")).Refuse(shown, [], PeerRole.Server));
        Assert.Null(Without().Anybody.Refuse(shown, [], PeerRole.Client));
        using var other = NodeKey.Generate();
        using var others = NodeCertificate.Make(other, _clock.GetUtcNow());
        Assert.Contains("it is of node", Without().Of(Member()).Refuse(others, [], PeerRole.Server));
    }

    [Fact]
    public void Dates_are_judged_by_this_sides_clock_with_a_day_of_patience()
    {
        using var shown = NodeCertificate.Make(_node, _clock.GetUtcNow());
        var start = _clock.GetUtcNow();
        foreach (var (hours, isGood) in new[] { (-23, true), (-25, false), (24, true), (6 * 24, true), (8 * 24, false) })
        {
            var members = new MemberCertificates(null, new FakeTimeProvider(start.AddHours(hours)));
            var why = members.Anybody.Refuse(shown, [], PeerRole.Client);
            if (isGood) Assert.Null(why);
            else Assert.Contains("one of the two clocks is wrong", why);
        }
    }

    [Theory]
    [InlineData("node1.example", true)]
    [InlineData("NODE1.example", true)]
    [InlineData("node2.example", false)]
    [InlineData("*.example", false)]
    [InlineData("127.0.0.1", false)]
    public void Of_a_CA_the_recorded_host_is_wanted(string name, bool isGood)
    {
        using var shown = _pki.Issue("node1.example", names: names =>
        {
            if (IPAddress.TryParse(name, out var address)) names.AddIpAddress(address);
            else names.AddDnsName(name);
        });
        Judge(shown, isGood, "it does not name node1.example");
    }

    [Fact]
    public void An_address_is_a_recorded_host_too()
    {
        using var shown = _pki.Issue("node");
        Assert.Null(With().Of(Member("127.0.0.1")).Refuse(shown, [], PeerRole.Client));
        Assert.Contains("it does not name ::1", With().Of(Member("::1")).Refuse(shown, [], PeerRole.Client));
    }

    /// <summary>An id of a node says more than a host's name, which many may share.</summary>
    [Fact]
    public void A_SPIFFE_id_that_ends_in_a_node_id_decides()
    {
        using var other = NodeKey.Generate();
        foreach (var (node, isGood) in new[] { (_node, true), (other, false) })
        {
            using var shown = _pki.Issue("workload", names: names =>
            {
                names.AddDnsName("node1.example");
                names.AddUri(new Uri($"spiffe://example.org/quorum/{node.NodeId}"));
            });
            Judge(shown, isGood, "its SPIFFE id is another node's");
        }
        using var spoken = _pki.Issue("workload", names: names => names.AddUri(new Uri("spiffe://example.org/quorum/node")));
        Judge(spoken, false, "it does not name node1.example");
    }

    [Fact]
    public void A_certificate_of_no_CA_and_no_node_is_nobodys()
    {
        using var stranger = TestPki.SelfSigned("node1.example");
        Assert.Contains("it is no node's", Without().Anybody.Refuse(stranger, [], PeerRole.Client));
        Assert.Contains("no trusted CA", With().Anybody.Refuse(stranger, [], PeerRole.Client));
    }

    private void Judge(X509Certificate2 shown, bool isGood, string said)
    {
        var why = With().Of(Member()).Refuse(shown, [], PeerRole.Server);
        if (isGood) Assert.Null(why);
        else Assert.Contains(said, why);
    }

    private static MemberCertificates Without() => new(null, TimeProvider.System);

    private MemberCertificates With() =>
        new(_materials.Authorities("--raft.tls.ca", [_pki.WriteAuthority(_directory)]), TimeProvider.System);
}
