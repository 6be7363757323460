using QuorumMesh.Primitives;

namespace QuorumMesh.State;

/// <summary>
/// What a private account remembers of the transaction that made it with a privacy flag other than 0. It goes with the account and is
/// no part of any root (24:core/state/account_extra_data.go).
/// </summary>
/// <param name="Creation">
/// The payload that made the contract; after a contract extension that which carried its state. Later transactions must name it.
/// </param>
/// <param name="Mode">
/// The flag that all later transactions of the contract must have; never <see cref="PrivacyMode.StandardPrivate"/>.
/// </param>
public sealed record PrivacyMetadata(PayloadHash Creation, PrivacyMode Mode)
{
    /// <summary>Bytes of the encoded form.</summary>
    internal const int Size = 1 + PayloadHash.Size;

    /// <summary>Mode, then payload hash.</summary>
    internal void WriteTo(Span<byte> destination)
    {
        destination[0] = (byte)Mode;
        Creation.CopyTo(destination[1..]);
    }

    /// <exception cref="StateCorruptException">Of another length.</exception>
    internal static PrivacyMetadata Read(ReadOnlySpan<byte> bytes) => bytes.Length == Size
        ? new PrivacyMetadata(new PayloadHash(bytes[1..]), (PrivacyMode)bytes[0])
        : throw new StateCorruptException($"privacy metadata of {bytes.Length} bytes, not {Size}");
}
