using QuorumMesh.Consensus.Bft;

namespace QuorumMesh.Simulation.Bft;

/// <summary>What kind of network a seed is run on.</summary>
/// <param name="Liars">F validators do whatever hurts; else all are honest.</param>
/// <param name="IsMixed">Every other validator has GoQuorum's timers, and none of what ours does beyond it.</param>
/// <param name="IsRestless">
/// GoQuorum's among them start their round timers anew with every candidate of their own miners, one every few hundred ms while the chain
/// is in use, so that they never run out; and in the end one of these validators is lost for good.
/// </param>
internal sealed record BftShape(BftProtocol Protocol, int Size, bool Liars, bool IsMixed, bool IsRestless = false)
{
    private static readonly string[] Names =
    [
        "ibft4", "ibft4-liars", "ibft7", "ibft7-liars", "ibft4-mixed", "ibft7-mixed-liars",
        "qbft4", "qbft4-liars", "qbft7", "qbft7-liars", "qbft4-mixed", "qbft7-mixed-liars", "qbft4-restless", "qbft7-restless",
    ];

    /// <summary>Those that the tests run.</summary>
    public static IReadOnlyList<string> All => Names;

    /// <summary>Block period, ms.</summary>
    public const int Period = 1000;

    /// <summary>Timeout of round 0, ms.</summary>
    public const int RequestTimeout = 2000;

    /// <summary>The longest round of ours, ms.</summary>
    public const int LongestRound = 8000;

    public static BftShape Parse(string name) => new(
        name.StartsWith("ibft", StringComparison.Ordinal) ? BftProtocol.Ibft : BftProtocol.Qbft, name[4] - '0',
        name.Contains("liars", StringComparison.Ordinal),
        name.Contains("mixed", StringComparison.Ordinal) || name.Contains("restless", StringComparison.Ordinal),
        name.Contains("restless", StringComparison.Ordinal));

    /// <summary>F.</summary>
    public int FaultTolerance => (Size - 1) / 3;

    /// <summary>
    /// Within this many ms after all faults are over every honest validator has decided two more blocks: a round of each height may be
    /// under way at its longest, and F proposers in a row may lie or be lost. GoQuorum's timers have no cap and double with each round;
    /// where they never run out, it is the F + 1 round changes of ours that bring those validators along, and our bound holds.
    /// </summary>
    public long LivenessBound => (IsMixed && !IsRestless ? 8 : 1) * (FaultTolerance + 4) * LongestRound;
}
