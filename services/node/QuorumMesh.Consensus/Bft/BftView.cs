namespace QuorumMesh.Consensus.Bft;

/// <summary>One attempt to decide one block. Ordered by sequence, then by round.</summary>
/// <param name="Sequence">Number of the block.</param>
/// <param name="Round">From 0; each failed attempt is followed by a higher one.</param>
public readonly record struct BftView(ulong Sequence, ulong Round) : IComparable<BftView>
{
    /// <inheritdoc/>
    public int CompareTo(BftView other) =>
        Sequence != other.Sequence ? Sequence.CompareTo(other.Sequence) : Round.CompareTo(other.Round);

    /// <inheritdoc/>
    public override string ToString() => $"{Sequence}/{Round}";
}
