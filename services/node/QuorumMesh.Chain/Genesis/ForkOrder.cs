namespace QuorumMesh.Chain.Genesis;

/// <summary>
/// Each fork needs the ones before it, no later than itself. Homestead alone may be absent: the genesis of GoQuorum 2.5's own
/// documents has Byzantium without it, and 2.5 checked no order.
/// </summary>
internal static class ForkOrder
{
    public static void Check(ChainConfig c)
    {
        (string Name, ulong? Block, bool Optional)[] forks =
        [
            ("homesteadBlock", c.HomesteadBlock, false),
            ("daoForkBlock", c.DaoForkBlock, true),
            ("eip150Block", c.Eip150Block, false),
            ("eip155Block", c.Eip155Block, false),
            ("eip158Block", c.Eip158Block, false),
            ("byzantiumBlock", c.ByzantiumBlock, false),
            ("constantinopleBlock", c.ConstantinopleBlock, false),
            ("petersburgBlock", c.PetersburgBlock, true),
            ("istanbulBlock", c.IstanbulBlock, false),
            ("muirGlacierBlock", c.MuirGlacierBlock, true),
            ("berlinBlock", c.BerlinBlock, false),
            ("londonBlock", c.LondonBlock, false),
            ("arrowGlacierBlock", c.ArrowGlacierBlock, true),
            ("grayGlacierBlock", c.GrayGlacierBlock, true),
            ("parisBlock", c.ParisBlock, true),
            ("shanghaiBlock", c.ShanghaiBlock, false),
            ("cancunBlock", c.CancunBlock, false),
            ("pragueBlock", c.PragueBlock, false),
            ("osakaBlock", c.OsakaBlock, false),
        ];
        var first = c.HomesteadBlock is not null ? 0 : c.DaoForkBlock is not null ? 1 : 2;
        var last = forks[first];
        foreach (var fork in forks.AsSpan(first + 1))
        {
            if (fork.Block is { } block)
            {
                if (last.Block is not { } before)
                    throw new ConfigurationException(
                        $"unsupported fork ordering: {last.Name} not enabled, but {fork.Name} enabled at {block}");
                if (before > block)
                    throw new ConfigurationException(
                        $"unsupported fork ordering: {last.Name} enabled at {before}, but {fork.Name} enabled at {block}");
            }
            if (fork.Block is not null || !fork.Optional)
                last = fork;
        }
    }
}
