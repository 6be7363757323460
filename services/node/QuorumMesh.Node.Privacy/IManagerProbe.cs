namespace QuorumMesh.Node.Privacy;

/// <summary>For readiness: can the manager be asked now?</summary>
public interface IManagerProbe
{
    /// <summary>Null when it answers, else the reason; never throws.</summary>
    ValueTask<string?> CheckAsync(CancellationToken cancellation);
}
