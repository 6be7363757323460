namespace QuorumMesh.Fuzz;

/// <summary>Runs a written case again.</summary>
public static class FuzzReplay
{
    /// <summary>Null when the tiers agree on it.</summary>
    public static string? Run(FuzzCase fuzzCase) => new CaseRunner().Compare(fuzzCase, out _, out _);
}
