using System.Security.Cryptography.X509Certificates;

namespace QuorumMesh.Tls;

/// <summary>Which side of a connection the certificate in question is of.</summary>
public enum PeerRole
{
    Client,
    Server,
}

/// <summary>Whose certificates are good. Thread safe.</summary>
public abstract class PeerTrust
{
    /// <param name="certificate">What the peer has shown, and has proven to hold the key of.</param>
    /// <param name="between">The further certificates that it sent.</param>
    /// <returns>Why it is not good, in words for the log of this side; null when it is.</returns>
    public abstract string? Refuse(X509Certificate2 certificate, X509Certificate2Collection between, PeerRole role);
}
