using CsCheck;
using QuorumMesh.Node.Network.Eth;
using QuorumMesh.Node.Network.Peers;
using QuorumMesh.Node.Network.Tests.Rlpx;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Tests.Eth;

public class EthMessagesTests
{
    [Fact]
    public void Hello_with_more_than_is_known_is_read()
    {
        var hello = BaseMessages.DecodeHello(Hex.FromHex(Eip8Vectors.Hello));
        // The text of EIP-8 says 22, its bytes say 55.
        Assert.Equal(55, hello.Version);
        Assert.Equal("kneth/v0.91/plan9", hello.ClientName);
        Assert.Equal([new Capability("eth", 61), new Capability("mork", 22)], hello.Capabilities);
    }

    [Fact]
    public void Header_queries_come_back()
    {
        HeaderQuery[] queries =
        [
            new(null, 0, 1, 0, false),
            new(null, ulong.MaxValue, 192, ulong.MaxValue, true),
            new(Keccak.Hash([1]), 0, 100, 5, true),
        ];
        foreach (var query in queries)
            Assert.Equal(query, EthMessages.DecodeGetHeaders(EthMessages.EncodeGetHeaders(query)));
        Assert.Equal(192, EthMessages.DecodeGetHeaders([0xc7, 0x01, 0x83, 0xff, 0xff, 0xff, 0x80, 0x80]).Amount);
    }

    [Fact]
    public void Query_by_number_in_bytes() =>
        Assert.Equal("c782013a81c00101", Hex.ToHex(EthMessages.EncodeGetHeaders(new HeaderQuery(null, 314, 192, 1, true)), false));

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Status_comes_back(bool forkId)
    {
        var status = new EthStatus(64, 1337, UInt256.MaxValue, Keccak.Hash([1]), Keccak.Hash([2]),
            forkId ? new ForkId(0x0badf00d, 77) : null);
        Assert.Equal(status, EthStatus.Decode(status.Encode(), forkId));
        Assert.Throws<RlpException>(() => EthStatus.Decode(status.Encode(), !forkId));
    }

    [Fact]
    public void Transactions_of_both_forms_come_back()
    {
        ReadOnlyMemory<byte>[] sent = [TestNode.RlpList(3, 1), new byte[] { 0x01, 0xc1, 0x80 }, TestNode.RlpList(300, 2),
            new byte[] { 0x7f }];
        var received = EthMessages.DecodeTransactions(EthMessages.EncodeTransactions(sent));
        Assert.Equal(sent.Select(raw => raw.ToArray()), received.Select(raw => raw.ToArray()));
    }

    [Fact]
    public void Random_bytes_never_do_more_than_throw_a_format_exception() => Gen.Byte.Array[0, 200].Sample(
        data =>
        {
            Action[] decoders =
            [
                () => EthMessages.DecodeTransactions(data),
                () => EthMessages.DecodeGetHeaders(data),
                () => EthMessages.DecodeHashes(data, 128),
                () => EthMessages.DecodeReply(data, 192),
                () => EthMessages.DecodeNewBlock(data),
                () => EthMessages.DecodeNewBlockHashes(data),
                () => EthStatus.Decode(data, true),
                () => BaseMessages.DecodeHello(data),
                () => BaseMessages.DecodeDisconnect(data),
            ];
            foreach (var decode in decoders)
            {
                try
                {
                    decode();
                }
                catch (FormatException)
                {
                    // As it should be.
                }
            }
        },
        iter: 20_000);

    [Fact]
    public void Replies_are_cut_at_the_soft_limit_and_the_count()
    {
        var large = Enumerable.Range(0, 30).Select(i => TestNode.RlpList(200_000, i)).ToList();
        Assert.Equal(11, EthMessages.DecodeReply(EthMessages.EncodeReply(large, 128), 128).Count);
        var small = Enumerable.Range(0, 300).Select(i => TestNode.RlpList(5, i)).ToList();
        Assert.Equal(192, EthMessages.DecodeReply(EthMessages.EncodeReply(small, 192), 192).Count);
    }
}
