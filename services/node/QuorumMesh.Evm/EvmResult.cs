using QuorumMesh.Primitives;

namespace QuorumMesh.Evm;

/// <param name="Output">Return data, revert data, or the deployed code of a creation; empty on any other failure.</param>
/// <param name="Created">Address of a creation, also of a failed one as far as it was known.</param>
public readonly record struct EvmResult(EvmStatus Status, ulong GasLeft, byte[] Output, Address? Created)
{
    /// <summary>False for a revert too.</summary>
    public bool IsSuccess => Status == EvmStatus.Success;
}
