using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Bft;

/// <summary>
/// IBFT 1.0 on the wire (2.5:consensus/istanbul/types.go, core/types.go): [code, msg, address, signature, seal]; the byte string that
/// devp2p has around it is the network's affair. The view has the round first.
/// </summary>
internal static class IbftWire
{
    private const ulong Preprepare = 0, Prepare = 1, Commit = 2, RoundChange = 3;

    public static BftMessage Read(byte[] payload)
    {
        var outer = new RlpReader(payload);
        var list = outer.ReadList();
        outer.ExpectEnd();
        var code = list.ReadUInt64();
        var body = list.ReadBytes();
        var address = list.ReadAddress();
        var signature = list.ReadBytes().ToArray();
        var seal = list.ReadBytes().ToArray();
        list.ExpectEnd();
        var message = ReadBody(code, body, seal, address, payload, signature);
        // The address is signed as well: it must be the signer's own (2.5:consensus/istanbul/core/handler.go).
        if (BftWire.Recover(SigningHash(code, body, address, seal), signature) != address) throw new BftWire.BadSignatureException();
        return message;
    }

    public static PreprepareMessage NewPreprepare(BftIdentity me, BftView view, byte[] block)
    {
        var body = Body(view, writer => writer.WriteRaw(block));
        var (payload, signature) = Sign(me, Preprepare, body, []);
        return new PreprepareMessage
        {
            Protocol = BftProtocol.Ibft,
            View = view,
            Sender = me.Address,
            Code = BftWire.IbftCode,
            Payload = payload,
            Signature = signature,
            Block = block,
        };
    }

    public static PrepareMessage NewPrepare(BftIdentity me, BftView view, Hash256 digest) =>
        (PrepareMessage)NewVote(me, Prepare, view, digest, []);

    public static CommitMessage NewCommit(BftIdentity me, BftView view, Hash256 digest, byte[] seal) =>
        (CommitMessage)NewVote(me, Commit, view, digest, seal);

    // The digest stays zero: what is locked is not told (2.5:consensus/istanbul/core/roundchange.go).
    public static RoundChangeMessage NewRoundChange(BftIdentity me, BftView view) =>
        (RoundChangeMessage)NewVote(me, RoundChange, view, Hash256.Zero, []);

    /// <summary>
    /// What a committed seal signs: keccak(digest ‖ 0x02) (2.5:consensus/istanbul/core/commit.go PrepareCommittedSeal).
    /// </summary>
    public static Hash256 SealHash(in Hash256 digest)
    {
        Span<byte> bytes = stackalloc byte[Hash256.Size + 1];
        digest.CopyTo(bytes);
        bytes[Hash256.Size] = (byte)Commit;
        return Keccak.Hash(bytes);
    }

    private static BftMessage ReadBody(
        ulong code, ReadOnlySpan<byte> body, byte[] seal, Address sender, byte[] payload, byte[] signature)
    {
        var reader = new RlpReader(body);
        var list = reader.ReadList();
        reader.ExpectEnd();
        var head = list.ReadList();
        var round = head.ReadUInt64();
        var view = new BftView(head.ReadUInt64(), round);
        head.ExpectEnd();
        if (code == Preprepare)
        {
            var start = list.Position;
            if (!list.IsList) throw new RlpException(start, "a block is a list");
            var block = list.ReadRaw().ToArray();
            list.ExpectEnd();
            return new PreprepareMessage
            {
                Protocol = BftProtocol.Ibft,
                View = view,
                Sender = sender,
                Code = BftWire.IbftCode,
                Payload = payload,
                Signature = signature,
                Block = block,
            };
        }
        var digest = list.ReadHash256();
        list.ExpectEnd();
        return NewVote(code, view, digest, seal, sender, payload, signature);
    }

    private static BftMessage NewVote(BftIdentity me, ulong code, BftView view, Hash256 digest, byte[] seal)
    {
        var (payload, signature) = Sign(me, code, Body(view, writer => writer.Write(digest)), seal);
        return NewVote(code, view, digest, seal, me.Address, payload, signature);
    }

    private static BftMessage NewVote(
        ulong code, BftView view, Hash256 digest, byte[] seal, Address sender, byte[] payload, byte[] signature) => code switch
        {
            Prepare => new PrepareMessage
            {
                Protocol = BftProtocol.Ibft,
                View = view,
                Sender = sender,
                Code = BftWire.IbftCode,
                Payload = payload,
                Signature = signature,
                Digest = digest,
            },
            Commit => new CommitMessage
            {
                Protocol = BftProtocol.Ibft,
                View = view,
                Sender = sender,
                Code = BftWire.IbftCode,
                Payload = payload,
                Signature = signature,
                Digest = digest,
                Seal = seal,
            },
            RoundChange => new RoundChangeMessage
            {
                Protocol = BftProtocol.Ibft,
                View = view,
                Sender = sender,
                Code = BftWire.IbftCode,
                Payload = payload,
                Signature = signature,
                Digest = digest,
            },
            _ => throw new RlpException(0, "no such message code"),
        };

    private static byte[] Body(BftView view, Action<RlpWriter> content)
    {
        var writer = new RlpWriter();
        var list = writer.BeginList();
        var head = writer.BeginList();
        writer.Write(view.Round);
        writer.Write(view.Sequence);
        writer.EndList(head);
        content(writer);
        writer.EndList(list);
        return writer.ToArray();
    }

    private static (byte[] Payload, byte[] Signature) Sign(BftIdentity me, ulong code, byte[] body, byte[] seal)
    {
        var signature = me.Sign(SigningHash(code, body, me.Address, seal));
        return (Encode(code, body, me.Address, signature, seal), signature);
    }

    private static Hash256 SigningHash(ulong code, ReadOnlySpan<byte> body, in Address address, byte[] seal) =>
        // The field of the signature is there and empty; the seal of a COMMIT is signed along (2.5:consensus/istanbul/core/types.go).
        Keccak.Hash(Encode(code, body, address, [], seal));

    private static byte[] Encode(ulong code, ReadOnlySpan<byte> body, in Address address, byte[] signature, byte[] seal)
    {
        var writer = new RlpWriter(body.Length + 256);
        var list = writer.BeginList();
        writer.Write(code);
        writer.Write(body);
        writer.Write(address);
        writer.Write(signature);
        writer.Write(seal);
        writer.EndList(list);
        return writer.ToArray();
    }
}
