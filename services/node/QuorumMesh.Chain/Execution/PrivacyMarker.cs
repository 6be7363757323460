using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Execution;

/// <summary>
/// GoQuorum's precompile for privacy marker transactions (24:common/quorum.go, core/vm/contracts_quorum.go). In the public state it costs
/// and does nothing; from Berlin on it is warm (core/vm/contracts.go ActivePrecompiles).
/// </summary>
public static class PrivacyMarker
{
    /// <summary>Whom a marker goes to; its data names the payload with the private transaction.</summary>
    public static Address Address { get; } = Address.Parse("0x000000000000000000000000000000000000007a");
}
