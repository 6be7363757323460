namespace QuorumMesh.ServiceDefaults.Health;

/// <summary>Marks the connections of the health listener.</summary>
internal sealed class HealthListenerFeature
{
    public static readonly HealthListenerFeature Instance = new();
}
