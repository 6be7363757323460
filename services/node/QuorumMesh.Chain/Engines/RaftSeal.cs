using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Engines;

/// <summary>The minter's signature in a Raft block's extra data (GoQuorum raft/minter.go).</summary>
public static class RaftSeal
{
    private const int VanitySize = 32;

    /// <summary>
    /// The 32 bytes that a minter signs: the header hash while extra data, body roots, uncle hash and bloom are still zero.
    /// </summary>
    /// <remarks>GoQuorum signs before the block is assembled, so these fields are still empty when it takes the hash.</remarks>
    public static Hash256 HashOf(BlockHeader header) => (header with
    {
        ExtraData = [],
        TransactionsRoot = default,
        ReceiptsRoot = default,
        UncleHash = default,
        Bloom = new Bloom(),
    }).Hash;

    /// <summary>Puts 32 zero bytes ‖ RLP([raft id as lower-case hex text, signature]) into the extra data.</summary>
    /// <param name="sign">r ‖ s ‖ recovery id over the given hash with the node key.</param>
    public static BlockHeader Put(BlockHeader header, ushort raftId, Func<Hash256, byte[]> sign)
    {
        var signature = sign(HashOf(header));
        if (signature.Length != 65)
            throw new ArgumentException($"the signer must return 65 bytes, not {signature.Length}", nameof(sign));
        var writer = new RlpWriter();
        var mark = writer.BeginList();
        writer.WriteString(raftId.ToString("x", System.Globalization.CultureInfo.InvariantCulture));
        writer.Write(signature);
        writer.EndList(mark);
        var extra = new byte[VanitySize + writer.WrittenSpan.Length];
        writer.WrittenSpan.CopyTo(extra.AsSpan(VanitySize));
        return header with { ExtraData = extra };
    }

    /// <summary>The Raft id and address of the minter; false when the extra data has no valid seal (GoQuorum never checks it).</summary>
    public static bool TryRead(BlockHeader header, out ushort raftId, out Address minter)
    {
        raftId = 0;
        minter = default;
        if (header.ExtraData.Length <= VanitySize)
            return false;
        try
        {
            var reader = new RlpReader(header.ExtraData.AsSpan(VanitySize));
            var list = reader.ReadList();
            var id = System.Text.Encoding.ASCII.GetString(list.ReadBytes());
            var signature = list.ReadBytes(65);
            if (!ushort.TryParse(id, System.Globalization.NumberStyles.AllowHexSpecifier, System.Globalization.CultureInfo.InvariantCulture,
                out raftId))
                return false;
            Span<byte> hash = stackalloc byte[Hash256.Size];
            HashOf(header).CopyTo(hash);
            return signature[64] <= 3 && Secp256k1.TryRecoverAddress(hash, signature[..64], signature[64], out minter);
        }
        catch (FormatException)
        {
            return false;
        }
    }
}
