using QuorumMesh.Contracts;

namespace QuorumMesh.TxManager.Core.Ports;

/// <summary>Which manager serves which key.</summary>
public interface IPeerDirectory
{
    /// <summary>Soon after the start it waits a while for managers that have not been heard yet.</summary>
    /// <returns>Null when no known manager has the key.</returns>
    ValueTask<string?> FindUrlAsync(PublicKey key, CancellationToken cancel);

    void ReportFailure(string url);

    void ReportSuccess(string url);
}
