using System.Text;
using QuorumMesh.Consensus.Bft;
using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Tests.Bft;

/// <summary>Blocks of scenarios: [[number, parent, maker, name], [], []]. One whose name begins with "bad" breaks a rule.</summary>
internal sealed class ScenarioBlocks : IBftBlocks
{
    public static ScenarioBlocks Instance { get; } = new();

    public static BftProposal Make(ulong number, Hash256 parent, Address maker, string name)
    {
        var writer = new RlpWriter();
        var block = writer.BeginList();
        var header = writer.BeginList();
        writer.Write(number);
        writer.Write(parent);
        writer.Write(maker);
        writer.WriteString(name);
        writer.EndList(header);
        writer.WriteEmptyList();
        writer.WriteEmptyList();
        writer.EndList(block);
        var rlp = writer.ToArray();
        return new BftProposal(number, Keccak.Hash(rlp), rlp);
    }

    public static Address MakerOf(BftProposal proposal) => Open(proposal.Rlp).Maker;

    public static string? FaultOf(BftProposal proposal) =>
        Open(proposal.Rlp).Name.StartsWith("bad", StringComparison.Ordinal) ? "it is a bad block" : null;

    public BftProposal? Read(BftProtocol protocol, byte[] rlp)
    {
        try
        {
            return new BftProposal(Open(rlp).Number, Keccak.Hash(rlp), rlp);
        }
        catch (RlpException)
        {
            return null;
        }
    }

    public Hash256 QbftSealHash(BftProposal proposal, ulong round) => Keccak.Hash([.. proposal.Digest.Bytes, (byte)round]);

    private static (ulong Number, Address Maker, string Name) Open(byte[] rlp)
    {
        var header = new RlpReader(rlp).ReadList().ReadList();
        var number = header.ReadUInt64();
        header.ReadHash256();
        return (number, header.ReadAddress(), Encoding.ASCII.GetString(header.ReadBytes()));
    }
}
