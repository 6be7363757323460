using System.Threading.Channels;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Sync;

/// <summary>
/// Keeps the chain up with the network where blocks come from peers (IBFT, QBFT), whether this node validates or only follows. New blocks
/// that peers send are imported and passed on; when a peer is further ahead, what is between is fetched. Nothing is believed: a block
/// counts when its header is sealed by the validators of its height, which the import checks, and blocks once decided stay: whoever has
/// another one there is told of and dropped.
/// </summary>
internal sealed class ChainFollower
{
    private const int MaxFresh = 32;
    private const long MaxFreshBytes = 32L * 1024 * 1024;
    private const ulong ShownAhead = 8;
    private static readonly TimeSpan CheckInterval = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RestAfterFailure = TimeSpan.FromSeconds(5);

    /// <summary>A block announced by its hash mostly comes by itself, from consensus or whole from another peer.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromMilliseconds(200);

    private readonly IPeerNetwork _peers;
    private readonly NodeStores _stores;
    private readonly Func<NodeInput, bool> _post;
    private readonly TimeProvider _clock;
    private readonly PeerFaults _faults;
    private readonly PeerPace _pace;
    private readonly PeerClaims _claims;
    private readonly Channel<FreshBlock> _fresh = Channel.CreateBounded<FreshBlock>(
        new BoundedChannelOptions(MaxFresh) { FullMode = BoundedChannelFullMode.Wait, SingleReader = true });
    private long _freshBytes;
    private SyncProgress? _progress;
    private volatile bool _isFailing;

    public ChainFollower(IPeerNetwork peers, NodeStores stores, Func<NodeInput, bool> post, TimeProvider clock)
    {
        (_peers, _stores, _post, _clock) = (peers, stores, post, clock);
        _faults = new PeerFaults(peers, clock);
        _pace = new PeerPace(clock);
        _claims = new PeerClaims(peers, _faults, _pace, clock);
    }

    /// <summary>Null when nothing of length is being fetched.</summary>
    public SyncProgress? Progress => Volatile.Read(ref _progress);

    /// <summary>Somebody is at this height, as consensus has heard: peers are asked for what is up to it.</summary>
    public void Seek(ulong height) => _claims.Hint(height);

    public void OnPeerConnected() => _claims.Wake();

    public void OnPeerDisconnected(string nodeId) => _claims.Forget(nodeId);

    public void OnAnnounced(string nodeId, IReadOnlyList<(Hash256 Hash, ulong Number)> announced)
    {
        foreach (var (hash, number) in announced)
            if (number > Head.Number && !ChainStore.IsCanonical(_stores.KeyValues, hash)) _claims.Claim(nodeId, number);
    }

    /// <returns>The block's hash.</returns>
    /// <exception cref="FormatException">It is no block.</exception>
    public Hash256 OnNewBlock(string nodeId, ReadOnlyMemory<byte> raw)
    {
        var header = HeaderOf(raw);
        var head = Head;
        if (header.Number > head.Number)
        {
            _claims.Claim(nodeId, header.Number);
            if (header.ParentHash == head.Hash) Take(nodeId, raw, header.Hash);
        }
        return header.Hash;
    }

    /// <summary>Queues a new block; one too many is fetched later.</summary>
    private void Take(string nodeId, ReadOnlyMemory<byte> raw, in Hash256 hash)
    {
        if (Interlocked.Add(ref _freshBytes, raw.Length) <= MaxFreshBytes
            && _fresh.Writer.TryWrite(new FreshBlock(nodeId, raw.ToArray(), hash)))
            return;
        Interlocked.Add(ref _freshBytes, -raw.Length);
    }

    /// <summary>Runs until cancelled.</summary>
    public Task RunAsync(CancellationToken stop) => Task.WhenAll(FollowAsync(stop), ImportFreshAsync(stop));

    private BlockPointer Head => ChainStore.GetPublicHead(_stores.KeyValues)!.Value;

    private async Task FollowAsync(CancellationToken stop)
    {
        try
        {
            while (true)
            {
                await _claims.WaitAsync(CheckInterval, stop);
                await Task.Delay(Grace, _clock, stop);
                while (Best() is { } best) await CycleAsync(best, stop);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
    }

    private PeerClaim? Best()
    {
        var head = Head;
        return _claims.Best(head.Number, DifficultyAt(head));
    }

    private bool HasOther(string nodeId)
    {
        var head = Head;
        return _claims.HasOther(nodeId, head.Number, DifficultyAt(head));
    }

    private bool IsAt(string nodeId, ulong number)
    {
        var head = Head;
        return _claims.IsAt(nodeId, number, head.Number, DifficultyAt(head));
    }

    private UInt256 DifficultyAt(BlockPointer head) => ChainStore.GetTotalDifficulty(_stores.KeyValues, head.Hash) ?? UInt256.Zero;

    private async Task CycleAsync(PeerClaim claim, CancellationToken stop)
    {
        var head = Head;
        var cycle = new SyncCycle(_peers, _faults, _pace, _stores, _post, _clock)
        {
            Imported = at => Show(head.Number, at, claim.Number),
            OthersAhead = () => HasOther(claim.NodeId),
            IsAt = IsAt,
        };
        Show(head.Number, head.Number, claim.Number);
        try
        {
            var count = await cycle.RunAsync(claim.NodeId, head, stop);
            if (count is null or 0) Nothing(claim);
            else await TakenAsync(stop);
        }
        catch (SlowPeerException)
        {
            // It keeps its claim: when the others are gone, it is better than nobody.
            _pace.MarkSlow(claim.NodeId);
        }
        catch (Exception e) when (!stop.IsCancellationRequested)
        {
            await FailedAsync(claim, e, stop);
        }
        finally
        {
            Volatile.Write(ref _progress, null);
        }
    }

    /// <summary>The peer had no more than we: no fault, unless it said so itself and our head has not come meanwhile.</summary>
    private void Nothing(PeerClaim claim)
    {
        if (claim.IsOwn && claim.Number > Head.Number)
            _faults.Blame(claim.NodeId, PeerFault.Useless, $"it claims to have block {claim.Number} and does not give it");
        _claims.Rest(claim.NodeId, RestAfterFailure);
    }

    /// <summary>Others hear where we are; that what failed before goes on is told.</summary>
    private async Task TakenAsync(CancellationToken stop)
    {
        var head = Head;
        if (ChainStore.GetBlock(_stores.KeyValues, head.Hash) is { } block) Announce(block);
        if (!_isFailing) return;
        _isFailing = false;
        await TellAsync(null, stop);
    }

    private void Announce(Block block)
    {
        if (ChainStore.GetTotalDifficulty(_stores.KeyValues, block.Hash) is { } difficulty)
            _peers.BroadcastBlock(block.Hash, block.Number, block.Encode(), difficulty);
    }

    private async Task FailedAsync(PeerClaim claim, Exception e, CancellationToken stop)
    {
        _claims.Rest(claim.NodeId, RestAfterFailure);
        switch (e)
        {
            case ForkedPeerException:
                _faults.Blame(claim.NodeId, PeerFault.Lie, await ForkAsync(claim.NodeId, e.Message, stop));
                break;
            case FormatException:
                _faults.Blame(claim.NodeId, PeerFault.Lie, $"what it sent is no chain: {e.Message}");
                break;
            case NodeHaltedException refused:
                await RefusedAsync(claim.NodeId, refused, stop);
                break;
            case PeerRequestException or TimeoutException or OperationCanceledException:
                _faults.Blame(claim.NodeId, PeerFault.Late, $"blocks could not be fetched from it: {e.Message}");
                break;
            default:
                await TellAsync($"following the chain failed: {e.Message}", stop);
                break;
        }
    }

    /// <summary>
    /// A block whose header is not sealed as it must be is the sender's lie. One that is, and does not execute to its roots here, was
    /// decided by the network: it is this node that cannot go on, and the same block would come from everybody.
    /// </summary>
    private async Task RefusedAsync(string nodeId, NodeHaltedException refused, CancellationToken stop)
    {
        if (refused.InnerException is InvalidBlockException { IsHeader: true } invalid)
            _faults.Blame(nodeId, PeerFault.Lie, $"it sent a block that is not valid: {invalid.Message}");
        else if (refused.InnerException is InvalidBlockException)
            await TellAsync(refused.Message, stop);
        else
            _faults.Blame(nodeId, PeerFault.Useless, $"a block from it was not taken: {refused.Message}");
    }

    /// <summary>Finds the first block that differs, for the report.</summary>
    private async Task<string> ForkAsync(string nodeId, string message, CancellationToken stop)
    {
        try
        {
            var first = await new ForkPoint(_peers, _stores, _clock).FindAsync(nodeId, Head.Number, stop);
            return $"{message}; the chains part at block {first}";
        }
        catch (Exception e) when (e is PeerRequestException or FormatException
            || (e is OperationCanceledException && !stop.IsCancellationRequested))
        {
            return message;
        }
    }

    private async Task TellAsync(string? failure, CancellationToken stop)
    {
        if (failure is not null) _isFailing = true;
        while (!_post(new NodeInput.FollowStands(failure))) await Task.Delay(Grace, _clock, stop);
    }

    private async Task ImportFreshAsync(CancellationToken stop)
    {
        try
        {
            // Not ReadAllAsync, which goes on by way of the thread pool.
            while (await _fresh.Reader.WaitToReadAsync(stop))
                while (_fresh.Reader.TryRead(out var fresh)) await ImportAsync(fresh, stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
        }
    }

    private async Task ImportAsync(FreshBlock fresh, CancellationToken stop)
    {
        try
        {
            if (ChainStore.IsCanonical(_stores.KeyValues, fresh.Hash)) return;
            var block = Block.Decode(fresh.Raw);
            if (block.Header.ParentHash != Head.Hash) return;
            Chain.Execution.BlockValidator.CheckBody(block);
            _ = _stores.Senders.RecoverAll(block.Transactions, _stores.Rules.SenderRulesAt(block.Number));
            var done = new Reply<Taken>();
            // A full mailbox: it comes with the next fetch.
            if (!_post(new NodeInput.SyncedBlocks([block], done))) return;
            await done.WaitAsync(stop);
            Announce(block);
        }
        catch (Exception e) when (e is FormatException or InvalidBlockException)
        {
            _faults.Blame(fresh.NodeId, PeerFault.Lie, $"it sent a new block that is none: {e.Message}");
        }
        catch (NodeHaltedException refused)
        {
            await RefusedAsync(fresh.NodeId, refused, stop);
        }
        finally
        {
            Interlocked.Add(ref _freshBytes, -fresh.Raw.Length);
        }
    }

    private void Show(ulong start, ulong at, ulong highest)
    {
        if (highest >= start + ShownAhead) Volatile.Write(ref _progress, new SyncProgress(start, at, Math.Max(at, highest)));
    }

    private static BlockHeader HeaderOf(ReadOnlyMemory<byte> raw)
    {
        var block = new RlpReader(raw.Span).ReadList();
        return BlockHeader.Decode(ref block);
    }

    private sealed record FreshBlock(string NodeId, byte[] Raw, Hash256 Hash);
}
