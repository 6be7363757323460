using System.Net;
using QuorumMesh.Node.Network.Discovery;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Tests.Discovery;

/// <summary>The packets that EIP-8 gives for discovery v4, all signed with one key, and what strangers may send instead.</summary>
public class DiscoveryPacketTests
{
    private const string Ping =
        "71dbda3a79554728d4f94411e42ee1f8b0d561c10e1e5f5893367948c6a7d70bb87b235fa28a77070271b6c164a2dce8c7e13a5739b53b"
        + "5e96f2e5acb0e458a02902f5965d55ecbeb2ebb6cabb8b2b232896a36b737666c55265ad0a68412f250001ea04cb847f000001820cfa82"
        + "15a8d790000000000000000000000000000000018208ae820d058443b9a355";

    private const string PingWithMore =
        "e9614ccfd9fc3e74360018522d30e1419a143407ffcce748de3e22116b7e8dc92ff74788c0b6663aaa3d67d641936511c8f8d6ad8698b8"
        + "20a7cf9e1be7155e9a241f556658c55428ec0563514365799a4be2be5a685a80971ddcfa80cb422cdd0101ec04cb847f000001820cfa82"
        + "15a8d790000000000000000000000000000000018208ae820d058443b9a3550102";

    private const string PingOfVersion555 =
        "577be4349c4dd26768081f58de4c6f375a7a22f3f7adda654d1428637412c3d7fe917cadc56d4e5e7ffae1dbe3efffb9849feb71b262de"
        + "37977e7c7a44e677295680e9e38ab26bee2fcbae207fba3ff3d74069a50b902a82c9903ed37cc993c50001f83e82022bd79020010db83c"
        + "4d001500000000abcdef12820cfa8215a8d79020010db885a308d313198a2e037073488208ae82823a8443b9a355c5010203040531b901"
        + "9afde696e582a78fa8d95ea13ce3297d4afb8ba6433e4154caa5ac6431af1b80ba76023fa4090c408f6b4bc3701562c031041d4702971d"
        + "102c9ab7fa5eed4cd6bab8f7af956f7d565ee1917084a95398b6a21eac920fe3dd1345ec0a7ef39367ee69ddf092cbfe5b93e5e568ebc4"
        + "91983c09c76d922dc3";

    private const string Pong =
        "09b2428d83348d27cdf7064ad9024f526cebc19e4958f0fdad87c15eb598dd61d08423e0bf66b2069869e1724125f820d851c136684082"
        + "774f870e614d95a2855d000f05d1648b2d5945470bc187c2d2216fbe870f43ed0909009882e176a46b0102f846d79020010db885a308d3"
        + "13198a2e037073488208ae82823aa0fbc914b16819237dcd8801d7e53f69e9719adecb3cc0e790c57e91ca4461c9548443b9a355c60102"
        + "03c2040506a0c969a58f6f9095004c0177a6b47f451530cab38966a25cca5cb58f055542124e";

    private const string FindNode =
        "c7c44041b9f7c7e41934417ebac9a8e1a4c6298f74553f2fcfdcae6ed6fe53163eb3d2b52e39fe91831b8a927bf4fc222c3902202027e5"
        + "e9eb812195f95d20061ef5cd31d502e47ecb61183f74a504fe04c51e73df81f25c4d506b26db4517490103f84eb840ca634cae0d49acb4"
        + "01d8a4c6b6fe8c55b70d115bf400769cc1400f3258cd31387574077f301b421bc84df7266c44e9e6d569fc56be00812904767bf5ccd1fc"
        + "7f8443b9a35582999983999999280dc62cc8255c73471e0a61da0c89acdc0e035e260add7fc0c04ad9ebf3919644c91cb247affc82b69b"
        + "d2ca235c71eab8e49737c937a2c396";

    private const string Neighbours =
        "c679fc8fe0b8b12f06577f2e802d34f6fa257e6137a995f6f4cbfc9ee50ed3710faf6e66f932c4c8d81d64343f429651328758b47d3dbc"
        + "02c4042f0fff6946a50f4a49037a72bb550f3a7872363a83e1b9ee6469856c24eb4ef80b7535bcf99c0004f9015bf90150f84d84632116"
        + "3782115c82115db8403155e1427f85f10a5c9a7755877748041af1bcd8d474ec065eb33df57a97babf54bfd2103575fa829115d224c523"
        + "596b401065a97f74010610fce76382c0bf32f84984010203040101b840312c55512422cf9b8a4097e9a6ad79402e87a15ae909a4bfefa2"
        + "2398f03d20951933beea1e4dfa6f968212385e829f04c2d314fc2d4e255e0d3bc08792b069dbf8599020010db83c4d001500000000abcd"
        + "ef12820d05820d05b84038643200b172dcfef857492156971f0e6aa2c538d8b74010f8e140811d53b98c765dd2d96126051913f44582e8"
        + "c199ad7c6d6819e9a56483f637feaac9448aacf8599020010db885a308d313198a2e037073488203e78203e8b8408dcab8618c3253b558"
        + "d459da53bd8fa68935a719aff8b811197101a4b2b47dd2d47295286fc00cc081bb542d760717d1bdd6bec2c37cd72eca367d6dd3b9df73"
        + "8443b9a355010203b525a138aa34383fec3d2719a0";

    private static readonly byte[] Signer =
        Secp256k1.PublicKey(Hex.FromHex("b71c71a67e1177ad4e901695e1b4b9ee17ae16c6668d313eac2f96dbcda3f291"));

    [Theory]
    [InlineData(Ping, "127.0.0.1:3322", 5544, "[::1]:2222")]
    [InlineData(PingWithMore, "127.0.0.1:3322", 5544, "[::1]:2222")]
    [InlineData(PingOfVersion555, "[2001:db8:3c4d:15::abcd:ef12]:3322", 5544, "[2001:db8:85a3:8d3:1319:8a2e:370:7348]:2222")]
    public void Pings_of_eip8_are_read_whatever_follows(string packet, string from, int tcp, string to)
    {
        var ping = Assert.IsType<DiscoveryMessage.Ping>(Read(packet));
        Assert.Equal((from, tcp, to), (ping.From.ToString(), ping.TcpPort, ping.To.ToString()));
        Assert.Equal(1136239445ul, ping.Expiration);
    }

    [Fact]
    public void The_pong_of_eip8_is_read()
    {
        var pong = Assert.IsType<DiscoveryMessage.Pong>(Read(Pong));
        Assert.Equal("0xfbc914b16819237dcd8801d7e53f69e9719adecb3cc0e790c57e91ca4461c954", pong.PingHash.ToString());
        Assert.Equal("[2001:db8:85a3:8d3:1319:8a2e:370:7348]:2222", pong.To.ToString());
    }

    [Fact]
    public void The_question_of_eip8_is_read()
    {
        var find = Assert.IsType<DiscoveryMessage.FindNode>(Read(FindNode));
        Assert.StartsWith("ca634cae0d49acb401d8a4c6b6fe8c55", Hex.ToHex(find.Target, prefix: false), StringComparison.Ordinal);
        Assert.Equal(1136239445ul, find.Expiration);
    }

    [Fact]
    public void The_neighbours_of_eip8_are_read()
    {
        var nodes = Assert.IsType<DiscoveryMessage.Neighbours>(Read(Neighbours)).Nodes;
        Assert.Equal(
            ["99.33.22.55:4444/4445", "1.2.3.4:1/1", "[2001:db8:3c4d:15::abcd:ef12]:3333/3333",
                "[2001:db8:85a3:8d3:1319:8a2e:370:7348]:999/1000"],
            nodes.Select(node => $"{node.Udp}/{node.TcpPort}"));
        Assert.StartsWith("3155e1427f85f10a5c9a7755877748", nodes[0].NodeId, StringComparison.Ordinal);
    }

    [Fact]
    public void What_is_written_is_read_again()
    {
        using var key = NodeKey.Generate();
        var at = new IPEndPoint(IPAddress.Parse("10.1.2.3"), 30303);
        var nodes = Enumerable.Range(0, DiscoveryPacket.MaxNeighbours).Select(_ =>
        {
            using var other = NodeKey.Generate();
            return new FoundNode(other.PublicKey, new IPEndPoint(IPAddress.Parse("2001:db8:85a3:8d3:1319:8a2e:370:7348"), 65535), 65535);
        }).ToList();
        var (packet, hash) = DiscoveryPacket.Encode(new DiscoveryMessage.Neighbours(nodes) { Expiration = ulong.MaxValue }, key);
        Assert.True(packet.Length <= DiscoveryPacket.MaxSize);
        var read = DiscoveryPacket.Decode(packet);
        Assert.Equal(hash, read.Hash);
        Assert.Equal(key.PublicKey, read.Sender);
        Assert.Equal(nodes.Select(node => node.NodeId), ((DiscoveryMessage.Neighbours)read.Message!).Nodes.Select(node => node.NodeId));

        var (ping, _) = DiscoveryPacket.Encode(new DiscoveryMessage.Ping(at, 30304, at) { Expiration = 5 }, key);
        Assert.Equal(30304, ((DiscoveryMessage.Ping)DiscoveryPacket.Decode(ping).Message!).TcpPort);
    }

    [Fact]
    public void An_unknown_type_is_no_fault_and_says_nothing()
    {
        using var key = NodeKey.Generate();
        var packet = DiscoveryPacket.Encode(new DiscoveryMessage.FindNode(key.PublicKey), key).Packet;
        packet[97] = 5;
        Assert.Null(DiscoveryPacket.Decode(Signed(packet, key)).Message);
    }

    [Fact]
    public void Whatever_is_changed_or_cut_off_is_refused_as_no_packet()
    {
        var packet = Hex.FromHex(Neighbours);
        for (var length = 0; length < packet.Length; length++)
            Assert.ThrowsAny<FormatException>(() => DiscoveryPacket.Decode(packet.AsSpan(0, length)));
        for (var at = 0; at < packet.Length; at++)
        {
            var changed = packet.ToArray();
            changed[at] ^= 1;
            Assert.ThrowsAny<FormatException>(() => DiscoveryPacket.Decode(changed));
        }
        Assert.ThrowsAny<FormatException>(() => DiscoveryPacket.Decode(new byte[DiscoveryPacket.MaxSize + 1]));
    }

    /// <summary>Signed by whoever sends it, so that what it says is looked at.</summary>
    [Fact]
    public void Nonsense_under_a_right_signature_is_refused_as_no_packet()
    {
        using var key = NodeKey.Generate();
        var random = new Random(7);
        for (var run = 0; run < 2_000; run++)
        {
            var packet = new byte[98 + random.Next(200)];
            random.NextBytes(packet);
            packet[97] = (byte)(1 + random.Next(4));
            if (run % 2 == 0 && packet.Length > 99) packet[98] = 0xf8;
            try
            {
                _ = DiscoveryPacket.Decode(Signed(packet, key));
            }
            catch (FormatException)
            {
                // As it should be.
            }
        }
    }

    private static DiscoveryMessage? Read(string packet)
    {
        var read = DiscoveryPacket.Decode(Hex.FromHex(packet));
        Assert.Equal(Signer, read.Sender);
        return read.Message;
    }

    private static byte[] Signed(byte[] packet, NodeKey key)
    {
        key.Sign(Keccak.Hash(packet.AsSpan(97))).CopyTo(packet, 32);
        Keccak.Hash(packet.AsSpan(32)).CopyTo(packet);
        return packet;
    }
}
