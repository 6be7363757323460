namespace QuorumMesh.Node.Tests;

internal static class Loopback
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Ports that nothing listens on now, each another.</summary>
    public static int[] FreePorts(int count) => QuorumMesh.Tests.Shared.FreePorts.Some(count);

    public static async Task UntilAsync(Func<bool> condition, string what)
    {
        for (var clock = System.Diagnostics.Stopwatch.StartNew(); !condition(); await Task.Delay(25))
            Assert.True(clock.Elapsed < Patience, $"not in time: {what}");
    }
}
