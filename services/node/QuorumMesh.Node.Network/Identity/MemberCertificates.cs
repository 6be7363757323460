using System.Formats.Asn1;
using System.Security.Cryptography.X509Certificates;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Tls;

namespace QuorumMesh.Node.Network.Identity;

/// <summary>
/// Whether a certificate is a Raft member's. The node key counts where the certificate speaks of one (<see cref="NodeCertificate"/>):
/// membership is the trust then, and no CA is needed. Of a certificate of the operators' CAs the name counts: a SPIFFE id whose last
/// part is the node id, or else the host that the membership records.
/// </summary>
/// <param name="authorities">Null takes certificates that speak of a node key alone.</param>
public sealed class MemberCertificates(CaTrust? authorities, TimeProvider clock)
{
    private const string AlternativeNames = "2.5.29.17";
    private const int UriName = 6;

    /// <summary>For a port: some node's, or some holder's of the operators' CAs. Which one it is, each request asks.</summary>
    public PeerTrust Anybody => new Trust(this, null);

    /// <summary>For a connection to a member: this one's and nobody else's.</summary>
    public PeerTrust Of(RaftAddress member) => new Trust(this, member);

    /// <returns>Why a certificate that <see cref="Anybody"/> took is not this member's, in words for a log; null when it is.</returns>
    public static string? RefuseAs(RaftAddress member, X509Certificate2 certificate)
    {
        ArgumentNullException.ThrowIfNull(member);
        if (NodeCertificate.Read(certificate) is { } proof)
            return proof.Problem ?? (proof.Node.AsSpan().SequenceEqual(member.NodeId) ? null
                : $"it is of node {Convert.ToHexStringLower(proof.Node!)[..16]}, and member {member.RaftId} is "
                    + $"{Convert.ToHexStringLower(member.NodeId)[..16]}");
        if (NodeOfSpiffeId(certificate) is { } named)
            return named == Convert.ToHexStringLower(member.NodeId) ? null
                : $"its SPIFFE id is another node's than member {member.RaftId}'s";
        return certificate.MatchesHostname(member.Host, allowWildcards: false, allowCommonName: false) ? null
            : $"it does not name {member.Host}, where member {member.RaftId} is: that is wanted among its subject alternative names, "
                + "without a wildcard, or a SPIFFE id that ends in the member's node id";
    }

    private string? Refuse(X509Certificate2 certificate, X509Certificate2Collection between, PeerRole role)
    {
        if (NodeCertificate.Read(certificate) is not { } proof)
            return authorities is null ? "it is no node's, and no CA is given (--raft.tls.ca)"
                : authorities.Refuse(certificate, between, role);
        if (proof.Problem is { } problem) return problem;
        var now = clock.GetUtcNow().UtcDateTime;
        var (from, to) = (certificate.NotBefore.ToUniversalTime(), certificate.NotAfter.ToUniversalTime());
        return now >= from && now <= to ? null
            : $"it is valid from {from:yyyy-MM-dd HH:mm} to {to:yyyy-MM-dd HH:mm} UTC, and here it is {now:yyyy-MM-dd HH:mm} UTC: nodes "
                + "make theirs anew each day, so one of the two clocks is wrong";
    }

    /// <summary>128 lower-case hex digits; null when no SPIFFE id ends in a node id.</summary>
    private static string? NodeOfSpiffeId(X509Certificate2 certificate)
    {
        if (certificate.Extensions[AlternativeNames] is not { } extension) return null;
        try
        {
            var names = new AsnReader(extension.RawData, AsnEncodingRules.DER).ReadSequence();
            var uri = new Asn1Tag(TagClass.ContextSpecific, UriName);
            while (names.HasData)
            {
                if (!names.PeekTag().HasSameClassAndValue(uri)) names.ReadEncodedValue();
                else if (NodeOf(names.ReadCharacterString(UniversalTagNumber.IA5String, uri)) is { } node) return node;
            }
        }
        catch (AsnContentException)
        {
            // Then it names nobody.
        }
        return null;
    }

    private static string? NodeOf(string id)
    {
        const int digits = 2 * RaftAddress.NodeIdSize;
        if (!id.StartsWith("spiffe://", StringComparison.OrdinalIgnoreCase)) return null;
        var last = id[(id.LastIndexOf('/') + 1)..];
        return last.Length == digits && last.All(char.IsAsciiHexDigit) ? last.ToLowerInvariant() : null;
    }

    private sealed class Trust(MemberCertificates owner, RaftAddress? member) : PeerTrust
    {
        /// <inheritdoc/>
        public override string? Refuse(X509Certificate2 certificate, X509Certificate2Collection between, PeerRole role) =>
            owner.Refuse(certificate, between, role) ?? (member is null ? null : RefuseAs(member, certificate));
    }
}
