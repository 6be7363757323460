namespace QuorumMesh.Chain.Execution;

/// <summary>The transaction manager's answer to a payload hash, as execution needs it.</summary>
/// <param name="Payload">The decrypted payload when the mode is <see cref="PrivateMode.Payload"/>.</param>
public readonly record struct PrivatePayload(PrivateMode Mode, byte[]? Payload)
{
    public static PrivatePayload NotAParty { get; } = new(PrivateMode.NotAParty, null);

    public static PrivatePayload Of(byte[] payload) => new(PrivateMode.Payload, payload);
}
