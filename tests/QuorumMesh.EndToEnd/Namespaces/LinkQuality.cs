namespace QuorumMesh.EndToEnd.Namespaces;

/// <summary>What becomes of frames on their way from one port to another.</summary>
/// <param name="Loss">Share of frames that never arrive, 0 to 1.</param>
/// <param name="Delay">Of each frame.</param>
/// <param name="Jitter">At most so much more, drawn for each frame: those that draw less overtake others.</param>
internal sealed record LinkQuality(double Loss, TimeSpan Delay, TimeSpan Jitter)
{
    public static readonly LinkQuality Good = new(0, TimeSpan.Zero, TimeSpan.Zero);
    public static readonly LinkQuality Cut = new(1, TimeSpan.Zero, TimeSpan.Zero);

    public override string ToString() => this == Good ? "good" : Loss >= 1 ? "cut"
        : $"{Loss:P0} lost, {Delay.TotalMilliseconds:F0} to {(Delay + Jitter).TotalMilliseconds:F0} ms late";
}
