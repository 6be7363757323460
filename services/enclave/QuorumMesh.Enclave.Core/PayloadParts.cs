using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;

namespace QuorumMesh.Enclave.Core;

/// <summary>An earlier transaction that a new one builds on.</summary>
public sealed record AffectedPayload(PayloadHash Hash, EncodedPayload Payload);

/// <summary>Fills a span with random bytes fit for keys.</summary>
public delegate void RandomFill(Span<byte> destination);
