namespace QuorumMesh.Chain.Genesis;

/// <summary>Whether a stored chain can go on under a changed configuration, as geth checks at init and start.</summary>
public static class ChainConfigCompatibility
{
    /// <summary>Null when nothing that the chain has passed changes; else geth's words with the block to rewind to.</summary>
    /// <param name="head">Number of the chain's head.</param>
    public static string? Check(ChainConfig stored, ChainConfig wanted, CompatibilityProfile profile, ulong head)
    {
        // A chain at its genesis has executed nothing yet.
        if (head == 0)
            return null;
        if (CheckMesh(stored.Mesh, wanted.Mesh) is { } ours)
            return ours;
        foreach (var (name, have, want) in Forks(stored, wanted))
        {
            if (have != want && (ChainConfig.IsActive(have, head) || ChainConfig.IsActive(want, head)))
                return Mismatch($"{name} fork block", have, want);
        }
        if (stored.ChainId != wanted.ChainId && ChainConfig.IsActive(stored.Eip155Block, head))
            return $"mismatching chain id in database (have {stored.ChainId}, want {wanted.ChainId}): the chain was made with the stored "
                + "one";
        if (stored.IsQuorum != wanted.IsQuorum)
            return "mismatching isQuorum in database: it cannot change once there are blocks";
        if (stored.Engine != wanted.Engine)
            return $"mismatching consensus engine in database (have {stored.Engine}, want {wanted.Engine})";
        return TransitionCompatibility.Check(stored, wanted, profile, head) ?? CheckCodeSizes(stored, wanted, profile, head);
    }

    /// <summary>How many empty blocks are minted may change, what a block means may not.</summary>
    private static string? CheckMesh(QuorumMeshConfig? stored, QuorumMeshConfig? wanted)
    {
        if (stored?.Version != wanted?.Version)
            return $"mismatching quorumMesh.version in database (have {Show((ulong?)stored?.Version)}, want "
                + $"{Show((ulong?)wanted?.Version)})";
        return stored?.SecondBlockTimes == wanted?.SecondBlockTimes ? null
            : $"mismatching quorumMesh.blockTimes in database (have {Unit(stored!)}, want {Unit(wanted!)})";

        static string Unit(QuorumMeshConfig mesh) => mesh.SecondBlockTimes ? "seconds" : "nanoseconds";
    }

    private static string? CheckCodeSizes(ChainConfig stored, ChainConfig wanted, CompatibilityProfile profile, ulong head)
    {
        var blocks = new[] { stored, wanted }
            .SelectMany(c => c.MaxCodeSizeConfig.Select(s => s.Block).Append(c.MaxCodeSizeChangeBlock ?? 0))
            .Append(0ul).Where(b => b <= head).Distinct().Order();
        foreach (var block in blocks)
        {
            if (stored.MaxCodeSizeAt(block, profile) != wanted.MaxCodeSizeAt(block, profile))
                return Mismatch("max code size", block, block);
        }
        return null;
    }

    private static string Mismatch(string what, ulong? have, ulong? want)
    {
        var first = Math.Min(have ?? ulong.MaxValue, want ?? ulong.MaxValue);
        return $"mismatching {what} in database (have {Show(have)}, want {Show(want)}, rewindto {(first == 0 ? 0 : first - 1)})";
    }

    private static string Show(ulong? block) => block?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "<nil>";

    private static (string Name, ulong? Have, ulong? Want)[] Forks(ChainConfig a, ChainConfig b) =>
    [
        ("Homestead", a.HomesteadBlock, b.HomesteadBlock),
        ("DAO", a.DaoForkBlock, b.DaoForkBlock),
        ("EIP150", a.Eip150Block, b.Eip150Block),
        ("EIP155", a.Eip155Block, b.Eip155Block),
        ("EIP158", a.Eip158Block, b.Eip158Block),
        ("Byzantium", a.ByzantiumBlock, b.ByzantiumBlock),
        ("Constantinople", a.ConstantinopleBlock, b.ConstantinopleBlock),
        ("Petersburg", a.PetersburgBlock, b.PetersburgBlock),
        ("Istanbul", a.IstanbulBlock, b.IstanbulBlock),
        ("Muir Glacier", a.MuirGlacierBlock, b.MuirGlacierBlock),
        ("Berlin", a.BerlinBlock, b.BerlinBlock),
        ("London", a.LondonBlock, b.LondonBlock),
        ("Arrow Glacier", a.ArrowGlacierBlock, b.ArrowGlacierBlock),
        ("Gray Glacier", a.GrayGlacierBlock, b.GrayGlacierBlock),
        ("Paris", a.ParisBlock, b.ParisBlock),
        ("Shanghai", a.ShanghaiBlock, b.ShanghaiBlock),
        ("Cancun", a.CancunBlock, b.CancunBlock),
        ("Prague", a.PragueBlock, b.PragueBlock),
        ("Osaka", a.OsakaBlock, b.OsakaBlock),
        ("gas price enabled", a.EnableGasPriceBlock, b.EnableGasPriceBlock),
        ("ceil 2N/3", a.Istanbul?.Ceil2Nby3Block, b.Istanbul?.Ceil2Nby3Block),
        ("Test QBFT", a.Istanbul?.QbftBlock, b.Istanbul?.QbftBlock),
        ("Privacy Enhancements", a.PrivacyEnhancementsBlock, b.PrivacyEnhancementsBlock),
        ("Privacy Precompile", a.PrivacyPrecompileBlock, b.PrivacyPrecompileBlock),
    ];
}
