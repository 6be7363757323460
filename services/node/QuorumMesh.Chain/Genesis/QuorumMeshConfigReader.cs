namespace QuorumMesh.Chain.Genesis;

/// <summary>Reads and checks the <c>config.quorumMesh</c> object of a genesis file.</summary>
internal static class QuorumMeshConfigReader
{
    /// <summary>Null when the genesis is not our own.</summary>
    public static QuorumMeshConfig? Read(JsonFields config)
    {
        if (config.Object("quorumMesh") is not { } json)
            return null;
        var version = json.UInt64("version")
            ?? throw new ConfigurationException(
            $"genesis: config.quorumMesh has no version: this QuorumMesh writes {QuorumMeshConfig.Current}");
        if (version > QuorumMeshConfig.Current)
            throw new ConfigurationException($"genesis: config.quorumMesh.version {version} is not known: this QuorumMesh reads "
                + $"{QuorumMeshConfig.BeforeTheMark} and {QuorumMeshConfig.Current}; use a newer one");
        json.RequireOnly(version == QuorumMeshConfig.BeforeTheMark ? ["version", "emptyBlocks"] : ["version", "blockTimes", "emptyBlocks"]);
        return new QuorumMeshConfig((int)version)
        {
            SecondBlockTimes = version >= QuorumMeshConfig.Current && ReadBlockTimes(json),
            EmptyBlocks = ReadEmptyBlocks(json.Object("emptyBlocks")),
        };
    }

    private static bool ReadBlockTimes(JsonFields json) => json.Text("blockTimes") switch
    {
        null or "seconds" => true,
        "nanoseconds" => false,
        var other => throw new ConfigurationException(
            $"genesis: config.quorumMesh.blockTimes must be \"seconds\" or \"nanoseconds\", not \"{other}\""),
    };

    private static EmptyBlocksConfig? ReadEmptyBlocks(JsonFields? json)
    {
        if (json is null)
            return null;
        json.RequireOnly(["count", "periodSeconds"]);
        var count = InRange(json, "count", 0, EmptyBlocksConfig.MaxCount, otherwise: 0);
        var period = InRange(json, "periodSeconds", 1, EmptyBlocksConfig.MaxPeriodSeconds, otherwise: 1);
        return count == 0 ? null : new EmptyBlocksConfig(count, period);
    }

    private static int InRange(JsonFields json, string name, int least, int most, int otherwise)
    {
        if (!json.Has(name))
            return otherwise;
        var value = json.Int(name);
        return value >= least && value <= most ? value
            : throw new ConfigurationException($"genesis: {json.PathOf(name)} must be {least} to {most}, not {value}");
    }
}
