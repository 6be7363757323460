namespace QuorumMesh.Architecture.Tests;

internal static class Offences
{
    private const int MostShown = 200;

    /// <summary>Fails and lists them, when there are any.</summary>
    public static void None(IEnumerable<string> offences)
    {
        var all = offences.ToList();
        if (all.Count > 0) Assert.Fail($"{all.Count}:\n{string.Join('\n', all.Take(MostShown))}");
    }
}
