using System.Security.Cryptography.X509Certificates;

namespace QuorumMesh.Tls;

/// <summary>Tessera's NONE: whoever holds the key of the certificate that he shows.</summary>
public sealed class AnyPeerTrust : PeerTrust
{
    /// <inheritdoc/>
    public override string? Refuse(X509Certificate2 certificate, X509Certificate2Collection between, PeerRole role) => null;
}
