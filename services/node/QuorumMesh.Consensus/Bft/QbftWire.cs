using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Bft;

/// <summary>
/// QBFT on the wire (24:consensus/istanbul/qbft/types): each kind has a code of its own, the view has the sequence first, and a signature
/// is over keccak of [code, signed part].
/// </summary>
internal static class QbftWire
{
    /// <summary>In one justification; no network has as many validators.</summary>
    private const int MostVotes = 1000;

    public static BftMessage Read(int code, byte[] payload)
    {
        var outer = new RlpReader(payload);
        var list = outer.ReadList();
        outer.ExpectEnd();
        return code switch
        {
            BftWire.QbftPreprepareCode => ReadPreprepare(payload, list),
            BftWire.QbftPrepareCode or BftWire.QbftCommitCode => ReadVote(code, payload, list),
            _ => ReadRoundChange(payload, list),
        };
    }

    public static PreprepareMessage NewPreprepare(
        BftIdentity me, BftView view, byte[] block, IReadOnlyList<SignedRoundChange> roundChanges, IReadOnlyList<SignedPrepare> prepares)
    {
        var signed = Signed(view, writer => writer.WriteRaw(block));
        var signature = me.Sign(SigningHash(BftWire.QbftPreprepareCode, signed));
        return new PreprepareMessage
        {
            Protocol = BftProtocol.Qbft,
            View = view,
            Sender = me.Address,
            Code = BftWire.QbftPreprepareCode,
            Signature = signature,
            Payload = EncodePreprepare(signed, signature, roundChanges, prepares),
            Block = block,
            RoundChanges = roundChanges,
            Prepares = prepares,
        };
    }

    public static PrepareMessage NewPrepare(BftIdentity me, BftView view, Hash256 digest)
    {
        var signed = SignedVote(view, digest);
        var signature = me.Sign(SigningHash(BftWire.QbftPrepareCode, signed));
        return new PrepareMessage
        {
            Protocol = BftProtocol.Qbft,
            View = view,
            Sender = me.Address,
            Code = BftWire.QbftPrepareCode,
            Signature = signature,
            Payload = EncodeSigned(signed, signature),
            Digest = digest,
        };
    }

    public static CommitMessage NewCommit(BftIdentity me, BftView view, Hash256 digest, byte[] seal)
    {
        var signed = Signed(view, writer =>
        {
            writer.Write(digest);
            writer.Write(seal);
        });
        var signature = me.Sign(SigningHash(BftWire.QbftCommitCode, signed));
        return new CommitMessage
        {
            Protocol = BftProtocol.Qbft,
            View = view,
            Sender = me.Address,
            Code = BftWire.QbftCommitCode,
            Signature = signature,
            Payload = EncodeSigned(signed, signature),
            Digest = digest,
            Seal = seal,
        };
    }

    public static RoundChangeMessage NewRoundChange(
        BftIdentity me, BftView view, PreparedClaim? prepared, byte[]? block, IReadOnlyList<SignedPrepare> prepares)
    {
        var signed = SignedRoundChangePart(view, prepared);
        var signature = me.Sign(SigningHash(BftWire.QbftRoundChangeCode, signed));
        return new RoundChangeMessage
        {
            Protocol = BftProtocol.Qbft,
            View = view,
            Sender = me.Address,
            Code = BftWire.QbftRoundChangeCode,
            Signature = signature,
            Payload = EncodeRoundChange(signed, signature, block, prepares),
            Prepared = prepared,
            Block = block,
            Prepares = prepares,
        };
    }

    /// <summary>The signer of a vote inside a justification.</summary>
    public static bool TryRecover(SignedPrepare prepare, out Address signer) =>
        BftWire.TryRecover(SigningHash(BftWire.QbftPrepareCode, SignedVote(prepare.View, prepare.Digest)), prepare.Signature, out signer);

    /// <summary>The signer of a round change inside a justification.</summary>
    public static bool TryRecover(SignedRoundChange change, out Address signer) => BftWire.TryRecover(
        SigningHash(BftWire.QbftRoundChangeCode, SignedRoundChangePart(change.View, change.Prepared)), change.Signature, out signer);

    private static PreprepareMessage ReadPreprepare(byte[] payload, RlpReader list)
    {
        var outer = list.ReadList();
        var signed = outer.ReadRaw().ToArray();
        var signature = outer.ReadBytes().ToArray();
        outer.ExpectEnd();
        var justification = list.ReadList();
        list.ExpectEnd();
        var roundChanges = new List<SignedRoundChange>();
        for (var items = ReadVotes(ref justification); !items.End;) roundChanges.Add(ReadSignedRoundChange(ref items));
        var prepares = ReadPrepares(ref justification);
        justification.ExpectEnd();
        var part = OpenSigned(signed, out var view);
        var block = ReadBlock(ref part);
        part.ExpectEnd();
        return new PreprepareMessage
        {
            Protocol = BftProtocol.Qbft,
            View = view,
            Code = BftWire.QbftPreprepareCode,
            Payload = payload,
            Signature = signature,
            Sender = BftWire.Recover(SigningHash(BftWire.QbftPreprepareCode, signed), signature),
            Block = block,
            RoundChanges = roundChanges,
            Prepares = prepares,
        };
    }

    private static BftMessage ReadVote(int code, byte[] payload, RlpReader list)
    {
        var signed = list.ReadRaw().ToArray();
        var signature = list.ReadBytes().ToArray();
        list.ExpectEnd();
        var part = OpenSigned(signed, out var view);
        var digest = part.ReadHash256();
        var seal = code == BftWire.QbftCommitCode ? part.ReadBytes().ToArray() : [];
        part.ExpectEnd();
        var sender = BftWire.Recover(SigningHash(code, signed), signature);
        return code == BftWire.QbftCommitCode
            ? new CommitMessage
            {
                Protocol = BftProtocol.Qbft,
                View = view,
                Sender = sender,
                Code = code,
                Payload = payload,
                Signature = signature,
                Digest = digest,
                Seal = seal,
            }
            : new PrepareMessage
            {
                Protocol = BftProtocol.Qbft,
                View = view,
                Sender = sender,
                Code = code,
                Payload = payload,
                Signature = signature,
                Digest = digest,
            };
    }

    private static RoundChangeMessage ReadRoundChange(byte[] payload, RlpReader list)
    {
        var change = ReadSignedRoundChange(ref list);
        byte[]? block = ReadBlock(ref list);
        // An empty list stands for no prepared block (24:consensus/istanbul/qbft/types).
        if (block is [0xc0]) block = null;
        var prepares = ReadPrepares(ref list);
        list.ExpectEnd();
        // Written again: only canonical RLP is read, so these are the bytes that were signed.
        var signed = SignedRoundChangePart(change.View, change.Prepared);
        return new RoundChangeMessage
        {
            Protocol = BftProtocol.Qbft,
            View = change.View,
            Code = BftWire.QbftRoundChangeCode,
            Payload = payload,
            Signature = change.Signature,
            Sender = BftWire.Recover(SigningHash(BftWire.QbftRoundChangeCode, signed), change.Signature),
            Prepared = change.Prepared,
            Block = block,
            Prepares = prepares,
        };
    }

    private static RlpReader OpenSigned(byte[] signed, out BftView view)
    {
        var part = new RlpReader(signed).ReadList();
        var sequence = part.ReadUInt64();
        view = new BftView(sequence, part.ReadUInt64());
        return part;
    }

    private static byte[] ReadBlock(ref RlpReader reader)
    {
        if (!reader.IsList) throw new RlpException(reader.Position, "a block is a list");
        return reader.ReadRaw().ToArray();
    }

    private static RlpReader ReadVotes(ref RlpReader reader)
    {
        var start = reader.Position;
        var items = reader.ReadList();
        // A vote of seven bytes becomes an object of a hundred: bounded before they are made.
        return items.CountItems() <= MostVotes ? items : throw new RlpException(start, $"more than {MostVotes} votes");
    }

    private static SignedRoundChange ReadSignedRoundChange(ref RlpReader reader)
    {
        var list = reader.ReadList();
        var part = list.ReadList();
        var sequence = part.ReadUInt64();
        var view = new BftView(sequence, part.ReadUInt64());
        PreparedClaim? prepared = null;
        var claim = part.ReadList();
        if (!claim.End)
        {
            prepared = new PreparedClaim(claim.ReadUInt64(), claim.ReadHash256());
            claim.ExpectEnd();
        }
        part.ExpectEnd();
        var signature = list.ReadBytes().ToArray();
        list.ExpectEnd();
        return new SignedRoundChange(view, prepared, signature);
    }

    private static List<SignedPrepare> ReadPrepares(ref RlpReader reader)
    {
        var prepares = new List<SignedPrepare>();
        for (var items = ReadVotes(ref reader); !items.End;)
        {
            var list = items.ReadList();
            var part = list.ReadList();
            var sequence = part.ReadUInt64();
            var view = new BftView(sequence, part.ReadUInt64());
            var digest = part.ReadHash256();
            part.ExpectEnd();
            prepares.Add(new SignedPrepare(view, digest, list.ReadBytes().ToArray()));
            list.ExpectEnd();
        }
        return prepares;
    }

    private static byte[] SignedVote(BftView view, Hash256 digest) => Signed(view, writer => writer.Write(digest));

    private static byte[] SignedRoundChangePart(BftView view, PreparedClaim? prepared) => Signed(view, writer =>
    {
        var claim = writer.BeginList();
        if (prepared is not null)
        {
            writer.Write(prepared.Round);
            writer.Write(prepared.Digest);
        }
        writer.EndList(claim);
    });

    private static byte[] Signed(BftView view, Action<RlpWriter> content)
    {
        var writer = new RlpWriter();
        var list = writer.BeginList();
        writer.Write(view.Sequence);
        writer.Write(view.Round);
        content(writer);
        writer.EndList(list);
        return writer.ToArray();
    }

    private static Hash256 SigningHash(int code, ReadOnlySpan<byte> signed)
    {
        var writer = new RlpWriter(signed.Length + 16);
        var list = writer.BeginList();
        // The code is signed as well, or a message of one kind could be passed off as another with the same fields.
        writer.Write((ulong)code);
        writer.WriteRaw(signed);
        writer.EndList(list);
        return Keccak.Hash(writer.WrittenSpan);
    }

    private static byte[] EncodeSigned(byte[] signed, byte[] signature)
    {
        var writer = new RlpWriter(signed.Length + 128);
        Write(writer, signed, signature);
        return writer.ToArray();
    }

    private static byte[] EncodePreprepare(
        byte[] signed, byte[] signature, IReadOnlyList<SignedRoundChange> roundChanges, IReadOnlyList<SignedPrepare> prepares)
    {
        var writer = new RlpWriter(signed.Length + 1024);
        var list = writer.BeginList();
        Write(writer, signed, signature);
        var justification = writer.BeginList();
        var changes = writer.BeginList();
        foreach (var change in roundChanges) Write(writer, SignedRoundChangePart(change.View, change.Prepared), change.Signature);
        writer.EndList(changes);
        Write(writer, prepares);
        writer.EndList(justification);
        writer.EndList(list);
        return writer.ToArray();
    }

    private static byte[] EncodeRoundChange(byte[] signed, byte[] signature, byte[]? block, IReadOnlyList<SignedPrepare> prepares)
    {
        var writer = new RlpWriter(signed.Length + (block?.Length ?? 0) + 1024);
        var list = writer.BeginList();
        Write(writer, signed, signature);
        if (block is null) writer.WriteEmptyList();
        else writer.WriteRaw(block);
        Write(writer, prepares);
        writer.EndList(list);
        return writer.ToArray();
    }

    private static void Write(RlpWriter writer, byte[] signed, byte[] signature)
    {
        var list = writer.BeginList();
        writer.WriteRaw(signed);
        writer.Write(signature);
        writer.EndList(list);
    }

    private static void Write(RlpWriter writer, IReadOnlyList<SignedPrepare> prepares)
    {
        var list = writer.BeginList();
        foreach (var prepare in prepares) Write(writer, SignedVote(prepare.View, prepare.Digest), prepare.Signature);
        writer.EndList(list);
    }
}
