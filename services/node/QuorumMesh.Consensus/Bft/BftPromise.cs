using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Bft;

/// <summary>The row of <see cref="BftEffect.PersistLock"/>, for who stores it.</summary>
public static class BftPromise
{
    /// <summary>The height whose votes the row holds; null when the bytes do not begin as one.</summary>
    public static ulong? HeightOf(ReadOnlySpan<byte> row)
    {
        try
        {
            var list = new RlpReader(row).ReadList();
            return list.ReadUInt64() == BftVotes.Version ? list.ReadUInt64() : null;
        }
        catch (RlpException)
        {
            return null;
        }
    }
}
