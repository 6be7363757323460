using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Tests;

/// <summary>Test cases published in EIP-2124, for the main network with the Petersburg fork as the last.</summary>
public class ForkIdTests
{
    private static readonly Hash256 Genesis = Hash256.Parse("d4e56740f876aef8c010b86a40d5f56745a118d0906a34e69aec8c0db1cb8fa3");

    // With what has to be left out: zeros and the double of Constantinople.
    private static readonly ulong[] Forks = [0, 7280000, 1150000, 1920000, 2463000, 2675000, 4370000, 7280000];

    [Theory]
    [InlineData(0, 0xfc64ec04, 1150000)]
    [InlineData(1149999, 0xfc64ec04, 1150000)]
    [InlineData(1150000, 0x97c2c34c, 1920000)]
    [InlineData(1919999, 0x97c2c34c, 1920000)]
    [InlineData(1920000, 0x91d1f948, 2463000)]
    [InlineData(2462999, 0x91d1f948, 2463000)]
    [InlineData(2463000, 0x7a64da13, 2675000)]
    [InlineData(2674999, 0x7a64da13, 2675000)]
    [InlineData(2675000, 0x3edd5b10, 4370000)]
    [InlineData(4369999, 0x3edd5b10, 4370000)]
    [InlineData(4370000, 0xa00bc324, 7280000)]
    [InlineData(7279999, 0xa00bc324, 7280000)]
    [InlineData(7280000, 0x668db0af, 0)]
    [InlineData(7987396, 0x668db0af, 0)]
    public void Fork_ids_of_the_main_network(ulong head, uint hash, ulong next) =>
        Assert.Equal(new ForkId(hash, next), ForkId.At(Genesis, Forks, head));

    [Theory]
    [InlineData(7987396, 0x668db0af, 0, null)]
    [InlineData(7987396, 0x668db0af, ulong.MaxValue, null)]
    [InlineData(7279999, 0xa00bc324, 0, null)]
    [InlineData(7279999, 0xa00bc324, 7280000, null)]
    [InlineData(7279999, 0xa00bc324, ulong.MaxValue, null)]
    [InlineData(7987396, 0xa00bc324, 7280000, null)]
    [InlineData(7987396, 0x3edd5b10, 4370000, null)]
    [InlineData(7279999, 0x668db0af, 0, null)]
    [InlineData(4369999, 0xa00bc324, 0, null)]
    [InlineData(7987396, 0xa00bc324, 0, "remote needs update")]
    [InlineData(7987396, 0x5cddc0e1, 0, "local incompatible or needs update")]
    [InlineData(7279999, 0x5cddc0e1, 0, "local incompatible or needs update")]
    [InlineData(7987396, 0xafec6b27, 0, "local incompatible or needs update")]
    [InlineData(88888888, 0x668db0af, 88888888, "local incompatible or needs update")]
    [InlineData(7279999, 0xa00bc324, 7279999, "local incompatible or needs update")]
    public void Judges_remote_fork_ids(ulong head, uint hash, ulong next, string? reason) =>
        Assert.Equal(reason, ForkId.Reject(new ForkId(hash, next), Genesis, Forks, head));
}
