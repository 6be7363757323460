using QuorumMesh.Contracts;

namespace QuorumMesh.TxManager.Core.Ports;

/// <summary>Which manager serves which key.</summary>
public interface IPeerDirectory
{
    /// <summary>Soon after the start it waits a while for managers that have not been heard yet.</summary>
    /// <returns>Null when no known manager has the key.</returns>
    ValueTask<string?> FindUrlAsync(PublicKey key, CancellationToken cancel);

    /// <summary>A call to the manager failed: it is polled later.</summary>
    void ReportFailure(string url);

    /// <summary>A call to the manager was answered.</summary>
    void ReportSuccess(string url);
}
