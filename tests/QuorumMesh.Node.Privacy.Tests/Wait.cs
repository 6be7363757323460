using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Privacy.Tests;

internal static class Wait
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>A hash that starts with this byte.</summary>
    public static PayloadHash Hash(byte first)
    {
        var bytes = new byte[PayloadHash.Size];
        bytes[0] = first;
        return new PayloadHash(bytes);
    }

    public static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        var end = DateTime.UtcNow + Limit;
        while (!await condition()) Assert.True(DateTime.UtcNow < end, $"not within {Limit.TotalSeconds} s: {what}");
    }
}
