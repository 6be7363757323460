namespace QuorumMesh.Chain.Execution;

/// <summary>Why a private transaction changed nothing although its code ran: what its privacy flag promises did not hold.</summary>
public enum PrivacyFault : byte
{
    /// <summary>It held, or nothing was promised.</summary>
    None,

    /// <summary>The sender's payload has the flag of state validation and no execution hash that can be read.</summary>
    ExecutionHashMissing,

    /// <summary>
    /// A transaction with a flag other than 0 touched a private account that was made without one, or that is not known here.
    /// </summary>
    MetadataMissing,

    /// <summary>It touched a contract with another flag.</summary>
    FlagsDiffer,

    /// <summary>It touched a contract whose creation is not among the affected transactions that the sender proved.</summary>
    NotProven,

    /// <summary>The accounts that it touched did not come out as the sender's did.</summary>
    ExecutionHashDiffers,
}
