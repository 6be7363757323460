using QuorumMesh.Consensus.Bft;
using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Tests.Bft;

/// <summary>Blocks of GoQuorum's networks, as far as votes need them: hashes leave out seals and QBFT's round.</summary>
internal sealed class RecordedBlocks : IBftBlocks
{
    private const int ExtraField = 12, NumberField = 8, VanitySize = 32;

    public BftProposal? Read(BftProtocol protocol, byte[] rlp)
    {
        try
        {
            var fields = HeaderOf(rlp);
            var number = new RlpReader(fields[NumberField]).ReadUInt64();
            var extra = new RlpReader(fields[ExtraField]).ReadBytes();
            fields[ExtraField] = Wrap(protocol == BftProtocol.Ibft ? IbftExtra(extra) : QbftExtra(extra, 0));
            return new BftProposal(number, HashOf(fields), rlp);
        }
        catch (RlpException)
        {
            return null;
        }
    }

    public Hash256 QbftSealHash(BftProposal proposal, ulong round)
    {
        var fields = HeaderOf(proposal.Rlp);
        fields[ExtraField] = Wrap(QbftExtra(new RlpReader(fields[ExtraField]).ReadBytes(), round));
        return HashOf(fields);
    }

    private static List<byte[]> HeaderOf(byte[] rlp)
    {
        var block = new RlpReader(rlp).ReadList();
        var header = block.ReadList();
        var fields = new List<byte[]>();
        while (!header.End) fields.Add(header.ReadRaw().ToArray());
        if (fields.Count <= ExtraField) throw new RlpException(0, "too few fields");
        return fields;
    }

    private static byte[] IbftExtra(ReadOnlySpan<byte> extra)
    {
        var list = new RlpReader(extra[VanitySize..]).ReadList();
        var writer = new RlpWriter();
        writer.WriteRaw(extra[..VanitySize]);
        var mark = writer.BeginList();
        writer.WriteRaw(list.ReadRaw());
        writer.WriteRaw(list.ReadRaw());
        writer.WriteEmptyList();
        writer.EndList(mark);
        return writer.ToArray();
    }

    private static byte[] QbftExtra(ReadOnlySpan<byte> extra, ulong round)
    {
        var list = new RlpReader(extra).ReadList();
        var writer = new RlpWriter();
        var mark = writer.BeginList();
        for (var i = 0; i < 3; i++) writer.WriteRaw(list.ReadRaw());
        writer.Write(round);
        writer.WriteEmptyList();
        writer.EndList(mark);
        return writer.ToArray();
    }

    private static byte[] Wrap(byte[] content)
    {
        var writer = new RlpWriter();
        writer.Write(content);
        return writer.ToArray();
    }

    private static Hash256 HashOf(List<byte[]> fields)
    {
        var writer = new RlpWriter();
        var mark = writer.BeginList();
        foreach (var field in fields) writer.WriteRaw(field);
        writer.EndList(mark);
        return Keccak.Hash(writer.WrittenSpan);
    }
}
