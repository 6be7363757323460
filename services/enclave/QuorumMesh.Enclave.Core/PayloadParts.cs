namespace QuorumMesh.Enclave.Core;

/// <summary>Fills a span with random bytes fit for keys.</summary>
public delegate void RandomFill(Span<byte> destination);
