namespace QuorumMesh.Node.Privacy;

/// <summary>For readiness: can the manager be asked now?</summary>
public interface IManagerProbe
{
    /// <summary>Null when it answers, else the reason; never throws.</summary>
    ValueTask<string?> CheckAsync(CancellationToken cancellation);

    /// <summary>Whether it knows privacy flags other than 0; null when it does not say, or does not answer. Never throws.</summary>
    ValueTask<bool?> KnowsPrivacyFlagsAsync(CancellationToken cancellation) => ValueTask.FromResult<bool?>(null);
}
