using CsCheck;
using QuorumMesh.Consensus.Bft;
using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Tests.Bft;

/// <summary>Whatever bytes come, reading them ends with a message or a reason.</summary>
public class BftWireTests
{
    private static readonly byte[] Key = Keccak.Hash([1]).ToArray();
    private static readonly BftIdentity Me =
        new(Secp256k1.AddressOf(Secp256k1.PublicKey(Key)), hash => Secp256k1.Sign(Key, hash.Bytes));

    private static readonly byte[] Block = [0xc3, 0xc0, 0xc0, 0xc0];

    private static IReadOnlyList<BftMessage> Samples
    {
        get
        {
            var view = new BftView(7, 3);
            var prepare = QbftWire.NewPrepare(Me, view with { Round = 1 }, Hash256.EmptyCode);
            var signed = new SignedPrepare(prepare.View, prepare.Digest, prepare.Signature);
            var change = QbftWire.NewRoundChange(Me, view, new PreparedClaim(1, Hash256.EmptyCode), Block, [signed]);
            return
            [
                IbftWire.NewPreprepare(Me, view, Block), IbftWire.NewPrepare(Me, view, Hash256.EmptyCode),
                IbftWire.NewCommit(Me, view, Hash256.EmptyCode, new byte[65]), IbftWire.NewRoundChange(Me, view),
                QbftWire.NewPreprepare(Me, view, Block, [new SignedRoundChange(view, change.Prepared, change.Signature)], [signed]),
                prepare, QbftWire.NewCommit(Me, view, Hash256.EmptyCode, new byte[65]), change,
            ];
        }
    }

    [Fact]
    public void What_was_made_is_read_back_with_all_that_it_says()
    {
        foreach (var sample in Samples)
        {
            Assert.True(BftWire.TryRead(sample.Code, sample.Payload, out var read, out _), sample.Kind);
            Assert.Equal((sample.Kind, sample.View, sample.Sender, sample.Id), (read.Kind, read.View, read.Sender, read.Id));
        }
    }

    [Fact]
    public void A_changed_or_cut_message_is_refused_or_has_another_signer() =>
        Gen.Select(Gen.Int[0, 7], Gen.Int[0, 4000], Gen.Byte[1, 255], Gen.Bool).Sample((which, at, change, isCut) =>
        {
            var sample = Samples[which];
            var bytes = sample.Payload.ToArray();
            if (isCut) bytes = bytes[..(at % bytes.Length)];
            else bytes[at % bytes.Length] ^= change;
            if (!BftWire.TryRead(sample.Code, bytes, out var read, out var refusal)) return refusal != BftRefusal.None;
            // A justification is signed by others, and looked at by the machine; a seal of IBFT is within what is signed.
            return read.Sender != sample.Sender || read.Protocol == BftProtocol.Qbft;
        });

    [Fact]
    public void Any_bytes_under_any_code_are_refused_without_an_exception() =>
        Gen.Select(Gen.Int[0, 30], Gen.Byte.Array[0, 300]).Sample((code, bytes) => !BftWire.TryRead(code, bytes, out _, out _));

    [Fact]
    public void More_votes_than_any_network_has_are_refused_before_they_are_made()
    {
        var prepare = new SignedPrepare(default, default, []);
        var message = QbftWire.NewRoundChange(Me, new BftView(1, 1), null, null, [.. Enumerable.Repeat(prepare, 1001)]);
        Assert.False(BftWire.TryRead(message.Code, message.Payload, out _, out var refusal));
        Assert.Equal(BftRefusal.Malformed, refusal);
    }

    [Fact]
    public void A_message_that_is_read_fits_with_its_byte_string_into_what_peers_take()
    {
        const int mostThatPeersTake = 10 << 20;
        var message = IbftWire.NewPreprepare(Me, new BftView(7, 3), BlockOf(BftWire.LargestMessage - 200));
        Assert.InRange(message.Payload.Length, BftWire.LargestMessage - 200, BftWire.LargestMessage);
        Assert.True(BftWire.TryRead(message.Code, message.Payload, out _, out _));
        var writer = new RlpWriter();
        writer.Write(new byte[BftWire.LargestMessage]);
        Assert.InRange(writer.WrittenSpan.Length, 1, mostThatPeersTake);
    }

    [Fact]
    public void A_payload_over_the_limit_is_too_large()
    {
        Assert.False(BftWire.TryRead(BftWire.IbftCode, new byte[BftWire.LargestMessage + 1], out _, out var refusal));
        Assert.Equal(BftRefusal.TooLarge, refusal);
    }

    private static byte[] BlockOf(int size)
    {
        var writer = new RlpWriter();
        var block = writer.BeginList();
        writer.Write(new byte[size]);
        writer.EndList(block);
        return writer.ToArray();
    }
}
