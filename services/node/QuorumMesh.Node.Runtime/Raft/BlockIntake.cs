using System.Diagnostics.CodeAnalysis;
using QuorumMesh.Chain;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Raft;

/// <summary>
/// Raft entries on their way to the chain: which were passed, and which wait, in the log, while the blocks before a snapshot are
/// fetched from peers.
/// </summary>
internal sealed class BlockIntake
{
    private ulong _lastDeferred;
    private (Hash256 Block, ulong Index)? _waitingFor;

    /// <summary>The last log index that has had its effect on the chain.</summary>
    public ulong Applied { get; private set; }

    public bool IsWaiting => _waitingFor is not null;

    public bool IsWaitingFor(in Hash256 block) => _waitingFor is { } waiting && waiting.Block == block;

    public void Passed(ulong index)
    {
        // While blocks before a snapshot are fetched nothing counts as applied: a restart has to read these entries again.
        if (!IsWaiting) Applied = Math.Max(Applied, index);
    }

    public void WaitFor(in Hash256 block, ulong index)
    {
        _waitingFor = (block, index);
        _lastDeferred = index;
    }

    /// <returns>True when the entry is to be read from the log again later.</returns>
    public bool Defer(ulong index)
    {
        if (IsWaiting) _lastDeferred = Math.Max(_lastDeferred, index);
        return IsWaiting;
    }

    /// <returns>The snapshot's index when the chain has reached its block, otherwise null.</returns>
    public ulong? Reached(in Hash256 head)
    {
        if (_waitingFor is not { } waiting || waiting.Block != head) return null;
        _waitingFor = null;
        Applied = Math.Max(Applied, waiting.Index);
        return waiting.Index;
    }

    /// <summary>The last entry that was deferred; the entries from <see cref="Applied"/> + 1 to it are due now.</summary>
    public ulong LastDeferred => _lastDeferred;

    /// <summary>A block as its proposer encoded it.</summary>
    /// <param name="why">What is wrong with the bytes, when they are no block.</param>
    public static bool TryDecode(byte[] data, [NotNullWhen(true)] out Block? block, out string why)
    {
        (block, why) = (null, "");
        try
        {
            block = Block.Decode(data);
            return true;
        }
        catch (Exception e) when (e is FormatException or OverflowException or ArgumentException)
        {
            why = $"it is no block that this node can read ({e.Message}); a member may run another version";
            return false;
        }
    }
}
