using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Rlpx;

/// <summary>What both sides hold after the handshake.</summary>
/// <param name="Aes">32 bytes, AES-256 key of the frames.</param>
/// <param name="Mac">32 bytes, AES-256 key that whitens the MACs.</param>
public sealed record RlpxSecrets(byte[] Aes, byte[] Mac, KeccakState EgressMac, KeccakState IngressMac)
{
    /// <param name="authPacket">Whole packet as on the wire, the EIP-8 size included.</param>
    /// <param name="ackPacket">The same.</param>
    public static RlpxSecrets Derive(
        bool initiator,
        ReadOnlySpan<byte> ephemeralKey,
        ReadOnlySpan<byte> remoteEphemeralPublic,
        ReadOnlySpan<byte> initiatorNonce,
        ReadOnlySpan<byte> responderNonce,
        ReadOnlySpan<byte> authPacket,
        ReadOnlySpan<byte> ackPacket)
    {
        Span<byte> ephemeralShared = stackalloc byte[32];
        if (!Secp256k1.TryEcdh(ephemeralKey, remoteEphemeralPublic, ephemeralShared))
            throw new RlpxException("The remote ephemeral key is not a valid public key.");
        // The order is the responder's nonce first on both sides (devp2p rlpx.md).
        var nonces = HashOf(responderNonce, initiatorNonce);
        var shared = HashOf(ephemeralShared, nonces);
        var aes = HashOf(ephemeralShared, shared);
        var mac = HashOf(ephemeralShared, aes);
        // Each direction starts from its sender's own packet and the other's nonce, so that what was changed in the handshake
        // shows with the first frame.
        var fromInitiator = MacState(mac, responderNonce, authPacket);
        var fromResponder = MacState(mac, initiatorNonce, ackPacket);
        return initiator ? new RlpxSecrets(aes, mac, fromInitiator, fromResponder)
            : new RlpxSecrets(aes, mac, fromResponder, fromInitiator);
    }

    public override string ToString() => nameof(RlpxSecrets);

    private static byte[] HashOf(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        Span<byte> both = stackalloc byte[64];
        first.CopyTo(both);
        second.CopyTo(both[32..]);
        return Keccak.Hash(both).ToArray();
    }

    private static KeccakState MacState(byte[] mac, ReadOnlySpan<byte> nonce, ReadOnlySpan<byte> packet)
    {
        Span<byte> seed = stackalloc byte[32];
        for (int i = 0; i < seed.Length; i++)
            seed[i] = (byte)(mac[i] ^ nonce[i]);
        var state = new KeccakState();
        state.Update(seed);
        state.Update(packet);
        return state;
    }
}
