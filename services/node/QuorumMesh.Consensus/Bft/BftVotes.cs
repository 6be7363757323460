using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Bft;

/// <summary>
/// What a validator has said in its present round, and what it holds locked: the row that is on the disk before any of it is sent, so that
/// after a restart it says nothing else. RLP [version, sequence, protocol, round, own messages, lock], a message as [code, payload], a lock
/// as [] or [round, PRE-PREPARE, votes].
/// </summary>
internal sealed record BftVotes(ulong Sequence, BftProtocol Protocol, ulong Round, IReadOnlyList<BftMessage> Own, BftLock? Lock)
{
    public const ulong Version = 1;

    public byte[] Encode()
    {
        var writer = new RlpWriter(1024);
        var row = writer.BeginList();
        writer.Write(Version);
        writer.Write(Sequence);
        writer.Write((ulong)Protocol);
        writer.Write(Round);
        Write(writer, Own);
        var held = writer.BeginList();
        if (Lock is not null)
        {
            writer.Write(Lock.Round);
            Write(writer, Lock.Preprepare);
            Write(writer, Lock.Proof);
        }
        writer.EndList(held);
        writer.EndList(row);
        return writer.ToArray();
    }

    /// <summary>Null when the bytes are no such row, or hold a block that cannot be read.</summary>
    public static BftVotes? Decode(byte[] row, IBftBlocks blocks)
    {
        try
        {
            var outer = new RlpReader(row);
            var list = outer.ReadList();
            outer.ExpectEnd();
            if (list.ReadUInt64() != Version) return null;
            var (sequence, protocol, round) = (list.ReadUInt64(), (BftProtocol)list.ReadInt32(), list.ReadUInt64());
            var own = ReadMessages(ref list);
            var held = ReadLock(list.ReadList(), protocol, blocks);
            list.ExpectEnd();
            return new BftVotes(sequence, protocol, round, own, held);
        }
        catch (RlpException)
        {
            return null;
        }
    }

    private static BftLock? ReadLock(RlpReader held, BftProtocol protocol, IBftBlocks blocks)
    {
        if (held.End) return null;
        var round = held.ReadUInt64();
        var start = held.Position;
        var proposed = ReadMessage(ref held) as PreprepareMessage ?? throw new RlpException(start, "no PRE-PREPARE");
        var proof = ReadMessages(ref held);
        held.ExpectEnd();
        var proposal = blocks.Read(protocol, proposed.Block) ?? throw new RlpException(start, "no block");
        return new BftLock(round, proposal, proposed, proof);
    }

    private static List<BftMessage> ReadMessages(ref RlpReader reader)
    {
        var messages = new List<BftMessage>();
        for (var items = reader.ReadList(); !items.End;) messages.Add(ReadMessage(ref items));
        return messages;
    }

    private static BftMessage ReadMessage(ref RlpReader reader)
    {
        var start = reader.Position;
        var list = reader.ReadList();
        var code = list.ReadInt32();
        var payload = list.ReadBytes().ToArray();
        list.ExpectEnd();
        return BftWire.TryRead(code, payload, out var message, out _) ? message : throw new RlpException(start, "no message");
    }

    private static void Write(RlpWriter writer, IReadOnlyList<BftMessage> messages)
    {
        var list = writer.BeginList();
        foreach (var message in messages) Write(writer, message);
        writer.EndList(list);
    }

    private static void Write(RlpWriter writer, BftMessage message)
    {
        var list = writer.BeginList();
        writer.Write((ulong)message.Code);
        writer.Write(message.Payload);
        writer.EndList(list);
    }
}
