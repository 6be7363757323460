using QuorumMesh.Consensus.Bft;
using QuorumMesh.Primitives;

namespace QuorumMesh.Simulation.Bft;

/// <summary>A block of the simulation: [[number, parent, maker, salt], [], []].</summary>
/// <param name="Salt">Makes two blocks of one maker differ; an odd one in the highest place marks a block that breaks a rule.</param>
internal sealed record SimulatedBlock(ulong Number, Hash256 Parent, Address Maker, ulong Salt)
{
    private const ulong InvalidMark = 1UL << 62;

    public bool IsValid => (Salt & InvalidMark) == 0;

    public SimulatedBlock Spoiled() => this with { Salt = Salt | InvalidMark };

    public BftProposal ToProposal()
    {
        var writer = new RlpWriter();
        var block = writer.BeginList();
        var header = writer.BeginList();
        writer.Write(Number);
        writer.Write(Parent);
        writer.Write(Maker);
        writer.Write(Salt);
        writer.EndList(header);
        writer.WriteEmptyList();
        writer.WriteEmptyList();
        writer.EndList(block);
        var rlp = writer.ToArray();
        return new BftProposal(Number, Keccak.Hash(rlp), rlp);
    }

    public static SimulatedBlock? Read(byte[] rlp)
    {
        try
        {
            var header = new RlpReader(rlp).ReadList().ReadList();
            return new SimulatedBlock(header.ReadUInt64(), header.ReadHash256(), header.ReadAddress(), header.ReadUInt64());
        }
        catch (RlpException)
        {
            return null;
        }
    }
}

/// <summary>Reads them for the machine.</summary>
internal sealed class SimulatedBlocks : IBftBlocks
{
    public BftProposal? Read(BftProtocol protocol, byte[] rlp) =>
        SimulatedBlock.Read(rlp) is { } block ? new BftProposal(block.Number, Keccak.Hash(rlp), rlp) : null;

    public Hash256 QbftSealHash(BftProposal proposal, ulong round)
    {
        var bytes = new byte[Hash256.Size + sizeof(ulong)];
        proposal.Digest.CopyTo(bytes);
        BitConverter.TryWriteBytes(bytes.AsSpan(Hash256.Size), round);
        return Keccak.Hash(bytes);
    }
}
