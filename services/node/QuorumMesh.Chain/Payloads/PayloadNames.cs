using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Payloads;

/// <summary>What the data of a private transaction, or of a marker, names its payload by.</summary>
public static class PayloadNames
{
    /// <summary>
    /// Null for data that names none. Before 21 the manager is asked for the data as it is, and has nothing under another length
    /// (2.6:core/state_transition.go TransitionDb).
    /// </summary>
    public static PayloadHash? Of(ReadOnlySpan<byte> data, CompatibilityProfile profile) =>
        profile.CropsPayloadNames ? Crop(data) : data.Length == PayloadHash.Size ? new PayloadHash(data) : null;

    /// <summary>
    /// The last 64 bytes, or all with zeros before them (21:common/types.go BytesToEncryptedPayloadHash). Null where these are zeros
    /// alone, for which GoQuorum asks no manager (21:private/engine/tessera Receive), but for the 64 that are data as they are.
    /// </summary>
    public static PayloadHash? Crop(ReadOnlySpan<byte> data)
    {
        if (data.Length == PayloadHash.Size) return new PayloadHash(data);
        Span<byte> hash = stackalloc byte[PayloadHash.Size];
        hash.Clear();
        var end = data[Math.Max(0, data.Length - PayloadHash.Size)..];
        end.CopyTo(hash[(PayloadHash.Size - end.Length)..]);
        return end.ContainsAnyExcept((byte)0) ? new PayloadHash(hash) : null;
    }
}
