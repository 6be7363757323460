using QuorumMesh.Primitives;

namespace QuorumMesh.Contracts.Payloads;

/// <summary>An earlier transaction, as it is stored, that a new one builds on.</summary>
public sealed record AffectedPayload(PayloadHash Hash, EncodedPayload Payload);
