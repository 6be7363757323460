using System.Buffers;
using CsCheck;
using QuorumMesh.Node.Network.Peers;
using QuorumMesh.Node.Network.Rlpx;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Tests.Rlpx;

public class FrameCodecTests
{
    [Fact]
    public void Published_hello_frames_of_both_sides()
    {
        var (atInitiator, atReceiver) = (SecretsOf(initiator: true), SecretsOf(initiator: false));
        Assert.Equal(FrameVectors.AesSecret, Hex.ToHex(atReceiver.Aes, false));
        Assert.Equal(FrameVectors.MacSecret, Hex.ToHex(atInitiator.Mac, false));
        var (initiator, receiver) = (new FrameCodec(atInitiator), new FrameCodec(atReceiver));

        var hello = Read(receiver, Hex.FromHex(FrameVectors.InitiatorHello));
        Assert.Equal(79, hello.Length);
        Assert.Equal(0x80, hello[0]);
        var answer = Read(initiator, Hex.FromHex(FrameVectors.ReceiverHello));
        Assert.Equal(64, BaseMessages.DecodeHello(answer.AsSpan(1)).Id.Length);
        Assert.Equal(Hex.ToHex(Secp256k1.PublicKey(Hex.FromHex(FrameVectors.ReceiverKey))),
            Hex.ToHex(BaseMessages.DecodeHello(answer.AsSpan(1)).Id));
        Assert.Equal(FrameVectors.InitiatorHello, Hex.ToHex(Write(new FrameCodec(SecretsOf(initiator: true)), hello), false));
    }

    [Fact]
    public void Frames_of_all_lengths_come_back() => Gen.Byte.Array[0, 5000].Array[1, 8].Sample(
        frames =>
        {
            var (a, b) = Pair();
            foreach (var data in frames)
                Assert.Equal(data, Read(b, Write(a, data)));
        },
        iter: 200);

    [Fact]
    public void Every_changed_byte_is_noticed()
    {
        var data = new byte[40];
        for (int i = 0; i < FrameCodec.HeaderLength + FrameCodec.BodyLength(data.Length); i++)
        {
            var (a, b) = Pair();
            var wire = Write(a, data);
            wire[i] ^= 1;
            Assert.Throws<RlpxException>(() => Read(b, wire));
        }
    }

    [Fact]
    public void A_frame_played_twice_is_noticed()
    {
        var (a, b) = Pair();
        var wire = Write(a, [1, 2, 3]);
        Read(b, (byte[])wire.Clone());
        Assert.Throws<RlpxException>(() => Read(b, wire));
    }

    [Fact]
    public void A_frame_too_long_for_its_length_field_is_refused()
    {
        var (a, _) = Pair();
        Assert.Throws<ArgumentException>(() => a.Write([], new byte[FrameCodec.MaxFrameSize + 1], new ArrayBufferWriter<byte>()));
    }

    internal static (FrameCodec Initiator, FrameCodec Responder) Pair()
    {
        var secrets = new[] { true, false }.Select(initiator => RlpxSecrets.Derive(
            initiator,
            Hex.FromHex(initiator ? Eip8Vectors.EphemeralKeyA : Eip8Vectors.EphemeralKeyB),
            Secp256k1.PublicKey(Hex.FromHex(initiator ? Eip8Vectors.EphemeralKeyB : Eip8Vectors.EphemeralKeyA)),
            Hex.FromHex(Eip8Vectors.NonceA), Hex.FromHex(Eip8Vectors.NonceB), Hex.FromHex(Eip8Vectors.Auth2),
            Hex.FromHex(Eip8Vectors.Ack2))).ToArray();
        return (new FrameCodec(secrets[0]), new FrameCodec(secrets[1]));
    }

    private static RlpxSecrets SecretsOf(bool initiator) => RlpxSecrets.Derive(
        initiator,
        Hex.FromHex(initiator ? FrameVectors.InitiatorEphemeralKey : FrameVectors.ReceiverEphemeralKey),
        Secp256k1.PublicKey(Hex.FromHex(initiator ? FrameVectors.ReceiverEphemeralKey : FrameVectors.InitiatorEphemeralKey)),
        Hex.FromHex(FrameVectors.InitiatorNonce), Hex.FromHex(FrameVectors.ReceiverNonce), Hex.FromHex(FrameVectors.Auth),
        Hex.FromHex(FrameVectors.Ack));

    private static byte[] Write(FrameCodec codec, byte[] data)
    {
        var output = new ArrayBufferWriter<byte>();
        codec.Write(data.AsSpan(0, data.Length / 2), data.AsSpan(data.Length / 2), output);
        return output.WrittenSpan.ToArray();
    }

    private static byte[] Read(FrameCodec codec, byte[] wire)
    {
        int size = codec.ReadHeader(wire.AsSpan(0, FrameCodec.HeaderLength));
        Assert.Equal(wire.Length, FrameCodec.HeaderLength + FrameCodec.BodyLength(size));
        codec.ReadBody(wire.AsSpan(FrameCodec.HeaderLength));
        return wire[FrameCodec.HeaderLength..(FrameCodec.HeaderLength + size)];
    }
}
