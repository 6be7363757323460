using QuorumMesh.Contracts;

namespace QuorumMesh.TxManager.Core.Ports;

/// <summary>Which manager serves which key.</summary>
public interface IPeerDirectory
{
    /// <summary>Soon after the start it waits a while for managers that have not been heard yet.</summary>
    /// <returns>Null when no known manager has the key.</returns>
    ValueTask<string?> FindUrlAsync(PublicKey key, CancellationToken cancel);

    /// <summary>
    /// Whether the manager has said, with its last party info, that it knows a feature. To one that reads CBOR a push that says so of us
    /// must be CBOR (tessera 0.2).
    /// </summary>
    bool Speaks(string url, PeerFeatures feature);

    /// <summary>The manager refused CBOR: it gets LEGACY until it says again that it reads CBOR.</summary>
    void ReportLegacy(string url);

    /// <summary>A call to the manager failed: it is polled later.</summary>
    void ReportFailure(string url);

    /// <summary>A call to the manager was answered.</summary>
    void ReportSuccess(string url);
}
