using QuorumMesh.Primitives;

namespace QuorumMesh.Consensus.Bft;

/// <summary>
/// Messages of the network to values. Pure and without state, so that any thread may read before the machine is asked.
/// </summary>
public static class BftWire
{
    /// <summary>IBFT 1.0: all four kinds (2.5:consensus/istanbul/backend/handler.go).</summary>
    public const int IbftCode = 0x11;

    /// <summary>QBFT's PRE-PREPARE; PREPARE, COMMIT and ROUND-CHANGE follow (24:consensus/istanbul/qbft/types).</summary>
    public const int QbftPreprepareCode = 0x12;

    internal const int QbftPrepareCode = 0x13;
    internal const int QbftCommitCode = 0x14;

    /// <summary>The last of QBFT's.</summary>
    public const int QbftRoundChangeCode = 0x15;

    /// <summary>
    /// Bytes of a payload. GoQuorum takes 10 MiB (24:eth/protocols/eth/protocol.go maxMessageSize); 8 are left for the byte string that
    /// IBFT has around a message, so that whatever was read can be passed on.
    /// </summary>
    public const int LargestMessage = (10 << 20) - 8;

    /// <summary>r ‖ s ‖ recovery id.</summary>
    internal const int SignatureSize = 65;

    // Rounds have 32 bits in QBFT's header (24:core/types/istanbul.go).
    internal const ulong HighestRound = uint.MaxValue;

    /// <summary>Reads a message: size, shape and signature; nothing in it is believed yet. Never throws on what it says.</summary>
    /// <param name="code">Message id within the istanbul protocol.</param>
    /// <param name="payload">The message's RLP, a list; the message keeps it.</param>
    /// <param name="message">Null when it is refused.</param>
    /// <param name="refusal">None, or why it is refused.</param>
    public static bool TryRead(
        int code, byte[] payload, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out BftMessage? message, out BftRefusal refusal)
    {
        message = null;
        refusal = BftRefusal.TooLarge;
        if (payload.Length > LargestMessage) return false;
        refusal = BftRefusal.Malformed;
        try
        {
            message = code switch
            {
                IbftCode => IbftWire.Read(payload),
                >= QbftPreprepareCode and <= QbftRoundChangeCode => QbftWire.Read(code, payload),
                _ => null,
            };
        }
        catch (RlpException)
        {
            return false;
        }
        catch (BadSignatureException)
        {
            refusal = BftRefusal.BadSignature;
            return false;
        }
        if (message is null || message.View.Round > HighestRound)
        {
            message = null;
            return false;
        }
        refusal = BftRefusal.None;
        return true;
    }

    /// <summary>The signer of a hash; false when the signature has not 65 bytes or recovers to nobody.</summary>
    internal static bool TryRecover(in Hash256 hash, ReadOnlySpan<byte> signature, out Address signer)
    {
        signer = default;
        return signature.Length == SignatureSize
            && Secp256k1.TryRecoverAddress(hash.Bytes, signature[..64], signature[64], out signer);
    }

    /// <summary>As <see cref="TryRecover"/>, for a message that is being read.</summary>
    internal static Address Recover(in Hash256 hash, ReadOnlySpan<byte> signature) =>
        TryRecover(hash, signature, out var signer) ? signer : throw new BadSignatureException();

    /// <summary>A message that is being read has no signer; seen by <see cref="TryRead"/> alone.</summary>
    internal sealed class BadSignatureException : Exception;
}
