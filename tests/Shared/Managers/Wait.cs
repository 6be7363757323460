namespace QuorumMesh.Tests.Shared.Managers;

internal static class Wait
{
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public static async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        var end = DateTime.UtcNow + Limit;
        while (!await condition())
        {
            Assert.True(DateTime.UtcNow < end, $"not within {Limit.TotalSeconds} s: {what}");
            await Task.Delay(20);
        }
    }
}
