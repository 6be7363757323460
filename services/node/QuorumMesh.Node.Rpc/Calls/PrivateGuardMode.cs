namespace QuorumMesh.Node.Rpc.Calls;

/// <summary>What JSON-RPC does with a public transaction that was most likely meant to be private.</summary>
public enum PrivateGuardMode
{
    /// <summary>Counts and logs it, and takes it, as GoQuorum does without a word.</summary>
    Warn,

    /// <summary>Refuses it with the cause, and counts and logs that.</summary>
    Refuse,

    /// <summary>Does not look.</summary>
    Off,
}
