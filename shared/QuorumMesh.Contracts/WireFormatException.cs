namespace QuorumMesh.Contracts;

/// <summary>Bytes from a peer or a store that do not follow Tessera's binary form.</summary>
public sealed class WireFormatException : FormatException
{
    public WireFormatException(string reason, int position)
        : base($"{reason} (at byte {position})") => Position = position;

    /// <summary>Offset in the input of the item that is wrong.</summary>
    public int Position { get; }
}
