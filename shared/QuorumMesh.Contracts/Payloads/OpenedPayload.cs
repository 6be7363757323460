namespace QuorumMesh.Contracts.Payloads;

/// <summary>A payload in the clear.</summary>
/// <param name="KeyUsed">The enclave's own key that opened it.</param>
public sealed record OpenedPayload(byte[] Payload, PublicKey KeyUsed);
