namespace QuorumMesh.Chain.Genesis;

/// <summary>
/// Whether transitions, and what the engine object says from the start, may change: nothing that blocks up to the head were made under
/// (24:params/config.go isTransitionsConfigCompatible, and what it leaves out of the same kind).
/// </summary>
internal static class TransitionCompatibility
{
    private static readonly (string Name, Func<Transition, object?> Value)[] _fields =
    [
        ("Algorithm", static t => t.Algorithm),
        ("BlockPeriodSeconds", static t => t.BlockPeriodSeconds),
        ("EmptyBlockPeriodSeconds", static t => t.EmptyBlockPeriodSeconds),
        ("RequestTimeoutSeconds", static t => t.RequestTimeoutSeconds),
        ("EpochLength", static t => t.EpochLength),
        ("ContractSizeLimit", static t => t.ContractSizeLimitKb),
        ("ValidatorContractAddress", static t => t.ValidatorContract),
        ("ValidatorSelectionMode", static t => t.ValidatorSelectionMode),
        ("Validators", static t => string.Join(',', t.Validators)),
        ("Miner GasLimit", static t => t.MinerGasLimit),
        ("2FPlus1Enabled", static t => t.TwoFPlusOne),
        ("TransactionSizeLimit", static t => t.TransactionSizeLimitKb),
        ("GasPriceEnabled", static t => t.GasPrice),
        ("PrivacyEnhancementsEnabled", static t => t.PrivacyEnhancements),
        ("PrivacyPrecompileEnabled", static t => t.PrivacyPrecompile),
        ("EnhancedPermissioningEnabled", static t => t.EnhancedPermissioning),
        ("BlockReward", static t => t.BlockReward),
        ("BeneficiaryMode", static t => t.BeneficiaryMode),
        ("MiningBeneficiary", static t => t.MiningBeneficiary),
        ("MaxRequestTimeoutSeconds", static t => t.MaxRequestTimeoutSeconds),
    ];

    /// <summary>Null when they agree up to the head.</summary>
    public static string? Check(ChainConfig stored, ChainConfig wanted, CompatibilityProfile profile, ulong head)
    {
        if (Rewards(stored) != Rewards(wanted)) return "mismatching blockReward, beneficiaryMode or miningBeneficiary in database";
        if (Validators(stored) != Validators(wanted))
            return "mismatching validators, validatorselectionmode or validatorcontractaddress in database";
        if (stored.Istanbul?.Epoch != wanted.Istanbul?.Epoch)
            return $"mismatching epoch in database (have {stored.Istanbul?.Epoch}, want {wanted.Istanbul?.Epoch})";
        if (stored.IsMps != wanted.IsMps) return "mismatching isMPS in database: it cannot change once there are blocks";
        return CheckPast([.. stored.Until(head, profile)], [.. wanted.Until(head, profile)]);
    }

    private static string? CheckPast(Transition[] stored, Transition[] wanted)
    {
        if (stored.Length != wanted.Length) return "transitions data incompatible. updating transitions for past";
        foreach (var (have, want) in stored.Zip(wanted))
        {
            if (have.Block != want.Block) return "transitions data incompatible. updating transitions for past";
            foreach (var (name, value) in _fields)
                if (!Equals(value(have), value(want)))
                    return $"transitions.{name} data incompatible. {name} historical data does not match";
        }
        return null;
    }

    private static string Rewards(ChainConfig config) =>
        $"{config.Istanbul?.BlockReward} {config.Istanbul?.BeneficiaryMode} {config.Istanbul?.MiningBeneficiary}";

    private static string Validators(ChainConfig config) => $"{string.Join(',', config.Istanbul?.Validators ?? [])} "
        + $"{config.Istanbul?.ValidatorSelectionMode} {config.Istanbul?.ValidatorContract}";
}
