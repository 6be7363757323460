using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// Transactions that were still running when the time of a block was over. Each is tried again, in blocks further and further apart, for
/// this machine may have been busy; what fails every time is given up. Owned by the writer loop.
/// </summary>
internal sealed class SlowTransactions
{
    public const int MostTries = 3;

    /// <summary>Blocks until the second try; eight times as many until the third.</summary>
    private const ulong FirstPause = 8;

    private const int MostKept = 1_024;

    private readonly Dictionary<Hash256, (int Tries, ulong NotBefore)> _held = [];

    /// <summary>Whether it is not tried in this block.</summary>
    public bool IsHeld(in Hash256 transaction, ulong block) => _held.TryGetValue(transaction, out var held) && block < held.NotBefore;

    /// <summary>It was cut off this block.</summary>
    /// <returns>Whether it is given up.</returns>
    public bool CutOff(in Hash256 transaction, ulong block)
    {
        var tries = _held.GetValueOrDefault(transaction).Tries + 1;
        if (tries >= MostTries)
        {
            _held.Remove(transaction);
            return true;
        }
        // Bounded: what is forgotten is only tried once more.
        if (_held.Count >= MostKept) _held.Clear();
        _held[transaction] = (tries, block + (FirstPause << (3 * (tries - 1))));
        return false;
    }
}
