using QuorumMesh.Consensus.Raft;
using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Tests.Raft;

public class RaftAddressTests
{
    private static readonly byte[] NodeId = [.. Enumerable.Repeat((byte)0x11, 64)];

    [Fact]
    public void An_IP_address_gives_the_old_form_with_16_bytes_as_Go_writes_it()
    {
        var address = new RaftAddress(3, NodeId, "10.0.0.5", 21000, 50400);
        var bytes = address.Encode();
        // [3, 64 bytes, ::ffff:10.0.0.5, 0x5208, 0xc4e0]
        Assert.Equal("f85a" + "03" + "b840" + string.Concat(Enumerable.Repeat("11", 64)) + "90" + "00000000000000000000ffff0a000005"
            + "825208" + "82c4e0", Convert.ToHexStringLower(bytes));
        Assert.Equal(address, RaftAddress.Decode(bytes));
    }

    [Fact]
    public void A_4_byte_IP_of_older_versions_is_read()
    {
        var w = new RlpWriter();
        var mark = w.BeginList();
        w.Write(1UL);
        w.Write(NodeId);
        w.Write(new byte[] { 127, 0, 0, 1 });
        w.Write(21000UL);
        w.Write(50401UL);
        w.EndList(mark);
        Assert.Equal("127.0.0.1", RaftAddress.Decode(w.ToArray()).Host);
        Assert.Equal("http://127.0.0.1:50401/", RaftAddress.Decode(w.ToArray()).RaftUrl.ToString());
    }

    [Fact]
    public void A_DNS_name_gives_the_hostname_form()
    {
        var address = new RaftAddress(65535, NodeId, "node-1.example", 21000, 50400);
        var bytes = address.Encode();
        Assert.EndsWith("80" + "825208" + "82c4e0" + "8e" + Convert.ToHexStringLower("node-1.example"u8), Convert.ToHexStringLower(bytes));
        Assert.Equal(address, RaftAddress.Decode(bytes));
        Assert.True(address.IsHostname);
    }

    [Theory]
    [InlineData("c0")]
    [InlineData("80")]
    [InlineData("c3010203")]
    [InlineData("ff")]
    public void Garbage_is_refused(string hex) => Assert.Throws<RaftFormatException>(() => RaftAddress.Decode(Convert.FromHexString(hex)));

    [Fact]
    public void Snapshot_data_reads_back_in_both_forms()
    {
        var head = Keccak.Hash("head"u8);
        RaftAddress[] byIp = [new(1, NodeId, "127.0.0.1", 21000, 50401), new(2, NodeId, "::1", 21001, 50402)];
        foreach (var addresses in new[] { byIp, [.. byIp, new RaftAddress(3, NodeId, "c.example", 1, 2)] })
        {
            var data = new RaftSnapshotData(addresses, [7, 9], head);
            var read = RaftSnapshotData.Decode(data.Encode());
            Assert.Equal(data.Addresses, read.Addresses);
            Assert.Equal(data.RemovedIds, read.RemovedIds);
            Assert.Equal(head, read.HeadBlockHash);
        }
    }
}
