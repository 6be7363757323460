using System.Security.Cryptography.X509Certificates;

namespace QuorumMesh.Tls;

/// <summary>
/// Tessera's TOFU, WHITELIST and CA_OR_TOFU (tessera 14.1): dates, purpose and issuer of a certificate play no part but by the CA, and
/// whatever fails there goes on to the list.
/// </summary>
/// <param name="takesNew">Whether who comes first under a name is noted and let in: trust on first use.</param>
/// <param name="authorities">Their certificates are let in without a look at the list; null for none.</param>
public sealed class KnownPeersTrust(KnownPeers peers, bool takesNew, CaTrust? authorities = null) : PeerTrust
{
    /// <inheritdoc/>
    public override string? Refuse(X509Certificate2 certificate, X509Certificate2Collection between, PeerRole role)
    {
        var byAuthority = authorities?.Refuse(certificate, between, role);
        if (authorities is not null && byAuthority is null) return null;
        var (name, fingerprint) = (KnownPeers.NameOf(certificate), KnownPeers.FingerprintOf(certificate));
        var known = peers.Find(name);
        if (known == fingerprint) return null;
        var why = known is not null ? $"{peers.Path} has another certificate for '{name}': take its line out if the new one is right"
            : takesNew ? peers.Add(name, fingerprint)
            : $"{peers.Path} has no line for '{name}'";
        return why is null || byAuthority is null ? why : $"{byAuthority}; and {why}";
    }
}
