using QuorumMesh.Chain.Genesis;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Engines;

/// <summary>
/// GoQuorum's Raft blocks: Ethash difficulty and rewards without work, nanosecond time, the minter's signature in the extra data. In a network of our own
/// the time is in seconds: there Ethash's rule, made for blocks some seconds apart, would push clock and difficulty ahead for good, so equal times are allowed and the difficulty is 1.
/// </summary>
public sealed class RaftEngine(ChainConfig config, CompatibilityProfile profile, GasLimitRule? gasLimit = null) : IEngine
{
    private const int VanitySize = 32;
    private const ulong GweiPerEther = 1_000_000_000;
    private const ulong NanosecondsPerSecond = 1_000_000_000;

    private readonly GasLimitRule _gasLimit = gasLimit ?? new GasLimitRule();

    public Address Author(BlockHeader header) => header.Coinbase;

    /// <summary>The links and bounds only: like GoQuorum, Raft trusts its log for the rest. In a network of our own also time and difficulty.</summary>
    public string? VerifyHeader(BlockHeader header, BlockHeader parent)
    {
        if (header.Number != parent.Number + 1)
            return $"invalid number: have {header.Number}, want {parent.Number + 1}";
        if (header.ParentHash != parent.Hash)
            return $"unknown ancestor: parent is {header.ParentHash}, have {parent.Hash}";
        if (header.GasUsed > header.GasLimit)
            return $"invalid gasUsed: have {header.GasUsed}, gasLimit {header.GasLimit}";
        return config.HasSecondBlockTimes ? VerifyOwn(header, parent) : null;
    }

    private static string? VerifyOwn(BlockHeader header, BlockHeader parent)
    {
        if (header.Time < parent.Time)
            return $"invalid timestamp: {header.Time} is before the parent's {parent.Time}";
        return header.Difficulty == UInt256.One ? null : $"invalid difficulty: have {header.Difficulty}, want 1";
    }

    /// <param name="now">UNIX nanoseconds; pushed past the parent's time when not larger, or in seconds not below it.</param>
    public BlockHeader Prepare(BlockHeader parent, ulong now)
    {
        var time = config.HasSecondBlockTimes ? Math.Max(now / NanosecondsPerSecond, parent.Time) : Math.Max(now, parent.Time + 1);
        return new BlockHeader
        {
            ParentHash = parent.Hash,
            Number = parent.Number + 1,
            GasLimit = _gasLimit.Next(parent),
            Time = time,
            Difficulty = config.HasSecondBlockTimes ? UInt256.One : EthashDifficulty.Next(config, profile, time, parent),
        };
    }

    /// <summary>Ethash's block reward to the header's coinbase, which is the zero address: 5, 3 or 2 ether by fork.</summary>
    public void Finalise(BlockHeader header, IWorldState publicState)
    {
        var ether = ChainConfig.IsActive(config.ConstantinopleBlock, header.Number) ? 2ul
            : ChainConfig.IsActive(config.ByzantiumBlock, header.Number) ? 3ul : 5ul;
        publicState.AddBalance(header.Coinbase, (UInt256)(ether * GweiPerEther) * (UInt256)GweiPerEther);
    }

    /// <summary>The 32 bytes that a minter signs: the header hash while extra data, body roots, uncle hash and bloom are still zero.</summary>
    public static Hash256 SealHash(BlockHeader header) => (header with
    {
        ExtraData = [],
        TransactionsRoot = default,
        ReceiptsRoot = default,
        UncleHash = default,
        Bloom = new Bloom(),
    }).Hash;

    /// <summary>Puts 32 zero bytes ‖ RLP([raft id as lower-case hex text, signature]) into the extra data.</summary>
    /// <param name="sign">r ‖ s ‖ recovery id over the given hash with the node key.</param>
    public static BlockHeader Seal(BlockHeader header, ushort raftId, Func<Hash256, byte[]> sign)
    {
        var signature = sign(SealHash(header));
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
    public static bool TryReadSeal(BlockHeader header, out ushort raftId, out Address minter)
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
            if (!ushort.TryParse(id, System.Globalization.NumberStyles.AllowHexSpecifier, System.Globalization.CultureInfo.InvariantCulture, out raftId))
                return false;
            Span<byte> hash = stackalloc byte[Hash256.Size];
            SealHash(header).CopyTo(hash);
            return signature[64] <= 3 && Secp256k1.TryRecoverAddress(hash, signature[..64], signature[64], out minter);
        }
        catch (FormatException)
        {
            return false;
        }
    }
}
