namespace QuorumMesh.Chain.Genesis;

/// <summary>A field of a genesis that GoQuorum acts on from some version on, and this QuorumMesh does not yet.</summary>
/// <param name="Path">As <c>config.isMPS</c>.</param>
/// <param name="Since">The first profile whose GoQuorum knows it.</param>
/// <param name="Last">The last one that does.</param>
/// <param name="Advice">What to do about it.</param>
public sealed record UnsupportedField(string Path, CompatibilityProfile Since, CompatibilityProfile Last, string Advice)
{
    /// <summary>False where the profile's GoQuorum passes it over too.</summary>
    public bool CountsIn(CompatibilityProfile profile) => profile.IsOf(Since, Last);
}
