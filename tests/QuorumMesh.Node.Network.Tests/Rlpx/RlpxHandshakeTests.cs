using QuorumMesh.Node.Network.Rlpx;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Tests.Rlpx;

public class RlpxHandshakeTests
{
    private static readonly NodeKey KeyA = new(Hex.FromHex(Eip8Vectors.StaticKeyA));
    private static readonly NodeKey KeyB = new(Hex.FromHex(Eip8Vectors.StaticKeyB));

    private static HandshakeRandom RandomA =>
        HandshakeRandom.Create() with { EphemeralKey = Hex.FromHex(Eip8Vectors.EphemeralKeyA), Nonce = Hex.FromHex(Eip8Vectors.NonceA) };

    private static HandshakeRandom RandomB =>
        HandshakeRandom.Create() with { EphemeralKey = Hex.FromHex(Eip8Vectors.EphemeralKeyB), Nonce = Hex.FromHex(Eip8Vectors.NonceB) };

    [Theory]
    [InlineData(Eip8Vectors.Auth1)]
    [InlineData(Eip8Vectors.Auth2)]
    [InlineData(Eip8Vectors.Auth3)]
    public void Reads_the_published_auth_packets(string packet)
    {
        var responder = new RlpxHandshake(KeyB, RandomB);
        responder.ReadAuth(Hex.FromHex(packet));
        Assert.Equal(KeyA.PublicKey, responder.RemoteId);
    }

    [Theory]
    [InlineData(Eip8Vectors.Auth1, Eip8Vectors.Ack1)]
    [InlineData(Eip8Vectors.Auth2, Eip8Vectors.Ack2)]
    [InlineData(Eip8Vectors.Auth3, Eip8Vectors.Ack3)]
    public void Both_sides_derive_the_same_secrets_from_the_published_packets(string auth, string ack)
    {
        var atB = RlpxSecrets.Derive(
            false, Hex.FromHex(Eip8Vectors.EphemeralKeyB), Secp256k1.PublicKey(Hex.FromHex(Eip8Vectors.EphemeralKeyA)),
            Hex.FromHex(Eip8Vectors.NonceA), Hex.FromHex(Eip8Vectors.NonceB), Hex.FromHex(auth), Hex.FromHex(ack));
        var atA = RlpxSecrets.Derive(
            true, Hex.FromHex(Eip8Vectors.EphemeralKeyA), Secp256k1.PublicKey(Hex.FromHex(Eip8Vectors.EphemeralKeyB)),
            Hex.FromHex(Eip8Vectors.NonceA), Hex.FromHex(Eip8Vectors.NonceB), Hex.FromHex(auth), Hex.FromHex(ack));
        Assert.Equal(Eip8Vectors.AesSecret, Hex.ToHex(atB.Aes, false));
        Assert.Equal(Eip8Vectors.MacSecret, Hex.ToHex(atA.Mac, false));
        Assert.Equal(atA.EgressMac.Digest(), atB.IngressMac.Digest());
        Assert.Equal(atB.EgressMac.Digest(), atA.IngressMac.Digest());
    }

    [Fact]
    public void Ingress_mac_of_the_published_example()
    {
        var secrets = RlpxSecrets.Derive(
            false, Hex.FromHex(Eip8Vectors.EphemeralKeyB), Secp256k1.PublicKey(Hex.FromHex(Eip8Vectors.EphemeralKeyA)),
            Hex.FromHex(Eip8Vectors.NonceA), Hex.FromHex(Eip8Vectors.NonceB), Hex.FromHex(Eip8Vectors.Auth2),
            Hex.FromHex(Eip8Vectors.Ack2));
        secrets.IngressMac.Update("foo"u8);
        Assert.Equal(Eip8Vectors.IngressMacOfFoo, Hex.ToHex(secrets.IngressMac.Digest().ToArray(), false));
    }

    [Theory]
    [InlineData(Eip8Vectors.Ack1, true)]
    [InlineData(Eip8Vectors.Ack2, false)]
    [InlineData(Eip8Vectors.Ack3, false)]
    public void Reads_the_published_ack_packets(string packet, bool plain)
    {
        var initiator = new RlpxHandshake(KeyA, RandomA);
        initiator.CreateAuth(KeyB.PublicKey, plain);
        initiator.ReadAck(Hex.FromHex(packet));
        Assert.NotNull(initiator.DeriveSecrets());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Own_packets_lead_both_sides_to_the_same_secrets(bool plain)
    {
        var initiator = new RlpxHandshake(KeyA, HandshakeRandom.Create());
        var responder = new RlpxHandshake(KeyB, HandshakeRandom.Create());
        var auth = initiator.CreateAuth(KeyB.PublicKey, plain);
        responder.ReadAuth(auth);
        var ack = responder.CreateAck();
        initiator.ReadAck(ack);
        Assert.Equal(plain ? 307 : auth.Length, auth.Length);
        Assert.Equal(plain ? 210 : ack.Length, ack.Length);
        Assert.Equal(initiator.DeriveSecrets().Aes, responder.DeriveSecrets().Aes);
        Assert.Equal(initiator.DeriveSecrets().EgressMac.Digest(), responder.DeriveSecrets().IngressMac.Digest());
    }

    [Fact]
    public void Every_changed_byte_of_an_auth_packet_is_noticed()
    {
        var packet = Hex.FromHex(Eip8Vectors.Auth2);
        for (int i = 0; i < packet.Length; i++)
        {
            var changed = (byte[])packet.Clone();
            changed[i] ^= 0x10;
            Assert.Throws<RlpxException>(() => new RlpxHandshake(KeyB, RandomB).ReadAuth(changed));
        }
    }

    [Fact]
    public void A_packet_for_another_node_is_refused()
    {
        var packet = new RlpxHandshake(KeyA, RandomA).CreateAuth(KeyB.PublicKey);
        Assert.Throws<RlpxException>(() => new RlpxHandshake(NodeKey.Generate(), RandomB).ReadAuth(packet));
    }

    [Fact]
    public void A_remote_id_off_the_curve_is_refused() =>
        Assert.Throws<RlpxException>(() => new RlpxHandshake(KeyA, RandomA).CreateAuth(new byte[64]));
}
