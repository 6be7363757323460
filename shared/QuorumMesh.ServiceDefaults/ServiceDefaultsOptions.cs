namespace QuorumMesh.ServiceDefaults;

/// <summary>What a host may set of the defaults.</summary>
public sealed class ServiceDefaultsOptions
{
    /// <summary>A listener of its own for health and metrics (<c>http://host:port</c>); null answers them on every listener.</summary>
    public string? HealthUrl { get; set; }

    /// <summary>The option's name in errors about <see cref="HealthUrl"/>.</summary>
    public string HealthKey { get; set; } = "--health-url";

    /// <summary>One JSON object per log line. Also switched on by <c>--log-json</c> or QUORUMMESH_LOG_JSON=1.</summary>
    public bool LogJson { get; set; }

    /// <summary>Names of the <see cref="System.Diagnostics.ActivitySource"/>s to export, beside those starting with QuorumMesh.</summary>
    public IList<string> ActivitySources { get; } = [];

    /// <summary>Meters to show in <c>/metrics</c>, beside those starting with QuorumMesh.</summary>
    public IList<string> Meters { get; } = [];
}
