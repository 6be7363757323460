using QuorumMesh.Node.Network.Peers;

namespace QuorumMesh.Node.Network.Tests.Peers;

public class CapabilityMatcherTests
{
    private static readonly SubProtocol[] Own =
    [
        SubProtocol.Eth63,
        SubProtocol.Eth64,
        SubProtocol.Istanbul64,
        SubProtocol.Istanbul100,
        new("abc", 1, 3, CarriesChain: false, HasForkId: false),
    ];

    [Theory]
    [InlineData("", "")]
    [InlineData("eth/62", "")]
    [InlineData("eth/63", "eth/63@16")]
    [InlineData("eth/63 eth/64 eth/65", "eth/64@16")]
    [InlineData("istanbul/64", "istanbul/64@16")]
    [InlineData("istanbul/100 eth/64 istanbul/99", "eth/64@16 istanbul/100@33")]
    [InlineData("istanbul/64 istanbul/100 eth/63", "eth/63@16 istanbul/100@33")]
    [InlineData("istanbul/64 abc/1 eth/63", "abc/1@16 eth/63@19 istanbul/64@36")]
    [InlineData("Eth/63", "")]
    public void Highest_common_version_per_name_in_order_of_names(string remote, string expected)
    {
        var capabilities = remote.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(text => new Capability(text.Split('/')[0], int.Parse(text.Split('/')[1]))).ToList();
        var matched = CapabilityMatcher.Match(Own, capabilities);
        Assert.Equal(expected, string.Join(' ', matched.Select(match => $"{match.Protocol.Capability}@{match.Offset}")));
    }

    [Theory]
    [InlineData(15, null)]
    [InlineData(16, "eth")]
    [InlineData(32, "eth")]
    [InlineData(33, "istanbul")]
    [InlineData(54, "istanbul")]
    [InlineData(55, null)]
    public void Codes_belong_to_the_protocol_whose_space_they_are_in(int code, string? name)
    {
        var matched = CapabilityMatcher.Match(Own, [new("eth", 63), new("istanbul", 100)]);
        Assert.Equal(name, CapabilityMatcher.Find(matched, code)?.Protocol.Name);
    }
}
