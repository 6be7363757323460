using QuorumMesh.Chain;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// A transaction that this node's blocks are made without for a while: it was still running when the time of one was over.
/// </summary>
/// <param name="Tries">How often it had the whole time of a block to itself.</param>
/// <param name="NextBlock">The first block that it is tried in again.</param>
public sealed record HeldTransaction(Hash256 Hash, Address Sender, ulong Nonce, int Tries, ulong NextBlock);

/// <summary>
/// Transactions that were still running when the time of a block was over. Each is tried again in blocks further and further apart, for
/// this machine may have been busy, or the others too slow for its blocks. A block that one is tried in may be empty, so that there is one
/// such try in a few blocks of this node, however many wait and however many others make blocks in between. Bounded: what is forgotten is
/// tried anew. Owned by the writer loop.
/// </summary>
internal sealed class SlowTransactions
{
    /// <summary>From then on the pause grows no more; who was promised nothing is no longer kept.</summary>
    public const int MostTries = 3;

    /// <summary>Blocks from the first try to the second; eight times as many after each.</summary>
    private const ulong FirstPause = 8;

    /// <summary>Of the blocks that this node makes one in so many is such a try.</summary>
    private const long OwnBlocksToATry = 4;

    private const int MostKept = 4_096;

    private readonly Dictionary<Hash256, HeldTransaction> _held = [];
    private long _building, _quietUntil;

    public IReadOnlyCollection<HeldTransaction> All => _held.Values;

    /// <summary>This node begins to make a block.</summary>
    public void Building() => _building++;

    /// <summary>Whether it is not tried in this block.</summary>
    public bool IsHeld(in Hash256 transaction, ulong block) =>
        Find(transaction) is { } held && (block < held.NextBlock || _building < _quietUntil);

    /// <summary>Null for one that was not cut off, or was forgotten.</summary>
    public HeldTransaction? Find(in Hash256 transaction) => _held.GetValueOrDefault(transaction);

    /// <summary>It was cut off this block.</summary>
    /// <param name="isFirst">
    /// Nothing before it had used up time of the block: a try counts then alone. That blocks of this node have less time than usual makes
    /// no difference: they have it where the others could not execute earlier ones in theirs.
    /// </param>
    public HeldTransaction CutOff(RecoveredTransaction transaction, ulong block, bool isFirst)
    {
        var hash = transaction.Tx.Hash;
        var before = Find(hash);
        var tries = (before?.Tries ?? 0) + (isFirst ? 1 : 0);
        var pause = FirstPause << (3 * (Math.Clamp(tries, 1, MostTries) - 1));
        if (_held.Count >= MostKept && !_held.ContainsKey(hash)) _held.Remove(_held.Values.MinBy(static held => held.NextBlock)!.Hash);
        // Not for one that is new: else those that wait would never be tried while new ones come.
        if (before is not null) _quietUntil = _building + OwnBlocksToATry;
        return _held[hash] = new HeldTransaction(hash, transaction.Sender, transaction.Tx.Nonce, tries, block + pause);
    }

    /// <summary>It is in a block.</summary>
    public void Forget(in Hash256 transaction) => _held.Remove(transaction);

    /// <summary>Forgets those that are gone and could be tried by now.</summary>
    public void Prune(Func<Hash256, bool> isPooled, ulong block)
    {
        foreach (var held in _held.Values.Where(held => held.NextBlock <= block && !isPooled(held.Hash)).ToList()) _held.Remove(held.Hash);
    }
}
