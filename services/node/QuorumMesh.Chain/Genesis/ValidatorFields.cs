namespace QuorumMesh.Chain.Genesis;

/// <summary>What engine objects and transitions say alike of validators.</summary>
internal static class ValidatorFields
{
    /// <summary>Null when absent or empty.</summary>
    /// <exception cref="ConfigurationException">Another word (24:params/errors.go).</exception>
    public static string? SelectionMode(JsonFields json) => json.Text("validatorselectionmode") switch
    {
        null or "" => null,
        IstanbulConfig.ContractMode => IstanbulConfig.ContractMode,
        IstanbulConfig.BlockHeaderMode => IstanbulConfig.BlockHeaderMode,
        _ => throw new ConfigurationException($"genesis: {json.PathOf("validatorselectionmode")}: validator selection mode is invalid, "
            + "should be either `contract` or `blockheader`"),
    };
}
