using QuorumMesh.Contracts;

namespace QuorumMesh.TxManager.Core.Ports;

/// <summary>Which manager serves which key.</summary>
public interface IPeerDirectory
{
    /// <returns>Null when no known manager has the key.</returns>
    string? FindUrl(PublicKey key);

    void ReportFailure(string url);

    void ReportSuccess(string url);
}
