namespace QuorumMesh.Evm;

/// <summary>Ethereum's rule sets in activation order, so that rules compare with &gt;=.</summary>
public enum Fork
{
    Frontier,
    Homestead,

    /// <summary>EIP-150.</summary>
    TangerineWhistle,

    /// <summary>EIP-155, 158, 160, 161, 170.</summary>
    SpuriousDragon,
    Byzantium,

    /// <summary>With EIP-1283 (net-metered SSTORE), as GoQuorum up to 2.5 runs it.</summary>
    Constantinople,

    /// <summary>Constantinople without EIP-1283.</summary>
    Petersburg,
    Istanbul,
    Berlin,
    London,
    Paris,
    Shanghai,
    Cancun,
    Prague,
    Osaka,
}
