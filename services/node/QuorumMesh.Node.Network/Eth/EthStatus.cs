using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Eth;

/// <summary>The Status message.</summary>
/// <param name="ForkId">Only in versions that carry it.</param>
public sealed record EthStatus(int ProtocolVersion, ulong NetworkId, UInt256 TotalDifficulty, Hash256 Head, Hash256 Genesis, ForkId? ForkId)
{
    /// <summary>[version, network id, total difficulty, head, genesis] and, where the version has one, the fork id.</summary>
    public byte[] Encode()
    {
        var writer = new RlpWriter();
        int list = writer.BeginList();
        writer.Write((ulong)ProtocolVersion);
        writer.Write(NetworkId);
        writer.Write(TotalDifficulty);
        writer.Write(Head);
        writer.Write(Genesis);
        if (ForkId is { } fork)
        {
            int pair = writer.BeginList();
            writer.Write(fork.HashBytes());
            writer.Write(fork.Next);
            writer.EndList(pair);
        }
        writer.EndList(list);
        return writer.ToArray();
    }

    /// <exception cref="RlpException">Not of the form this version has.</exception>
    public static EthStatus Decode(ReadOnlySpan<byte> payload, bool hasForkId)
    {
        var outer = new RlpReader(payload);
        var list = outer.ReadList();
        outer.ExpectEnd();
        ulong version = list.ReadUInt64();
        ulong network = list.ReadUInt64();
        var difficulty = list.ReadUInt256();
        var head = list.ReadHash256();
        var genesis = list.ReadHash256();
        ForkId? fork = hasForkId ? ReadForkId(list.ReadList()) : null;
        list.ExpectEnd();
        return new EthStatus((int)Math.Min(version, int.MaxValue), network, difficulty, head, genesis, fork);
    }

    private static ForkId ReadForkId(RlpReader pair)
    {
        var hash = pair.ReadBytes(4);
        uint sum = System.Buffers.Binary.BinaryPrimitives.ReadUInt32BigEndian(hash);
        return new ForkId(sum, pair.ReadUInt64());
    }
}
