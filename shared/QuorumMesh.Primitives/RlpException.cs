namespace QuorumMesh.Primitives;

/// <summary>Bytes that are not canonical RLP, or not of the shape that was asked for.</summary>
public sealed class RlpException : FormatException
{
    public RlpException(int position, string reason)
        : base($"RLP at byte {position}: {reason}.")
    {
        Position = position;
        Reason = reason;
    }

    /// <summary>Offset in the outermost data.</summary>
    public int Position { get; }

    public string Reason { get; }
}
