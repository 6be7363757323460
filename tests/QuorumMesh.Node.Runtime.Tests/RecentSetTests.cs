namespace QuorumMesh.Node.Runtime.Tests;

public sealed class RecentSetTests
{
    [Fact]
    public void Keeps_the_newest()
    {
        var set = new RecentSet<int>(2);
        set.Add(1);
        set.Add(2);
        set.Add(1);
        set.Add(3);
        Assert.False(set.Remove(2));
        Assert.True(set.Remove(1));
        Assert.False(set.Remove(1));
        Assert.True(set.Remove(3));
    }
}
