using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Node.Runtime.Sync;

/// <summary>
/// Answers peers from the store, passes their transactions on, senders recovered, to the writer loop, and what they say of new blocks to
/// the follower.
/// </summary>
/// <param name="follower">Null where blocks come by consensus alone.</param>
internal sealed class PeerRequestHandler(NodeStores stores, Func<NodeInput, bool> post, ChainFollower? follower = null)
    : IPeerRequestHandler
{
    private const int MaxTransactionBytes = 128 * 1024 + 1024;

    public void OnTransactions(string nodeId, IReadOnlyList<ReadOnlyMemory<byte>> raw)
    {
        // The next block's, as for local ones: a type that its fork brings is passed on before that block.
        var rules = stores.Rules.SenderRulesAt(HeadNumber + 1);
        var recovered = new List<RecoveredTransaction>(raw.Count);
        foreach (var item in raw)
        {
            if (item.Length <= MaxTransactionBytes && TryDecode(item.Span) is { } tx && stores.Senders.Recover(tx, rules) is { } known)
                recovered.Add(known);
        }
        // A full mailbox drops them. The node that took one from its client sends it to its own peers again until it is mined; of what
        // others announce by its hash, those are asked for again that are not known.
        if (recovered.Count == 0 || post(new NodeInput.PeerTransactions(recovered))) return;
        foreach (var transaction in recovered) stores.Senders.Forget(transaction.Tx.Hash);
    }

    public IReadOnlyList<byte[]> GetHeaders(HeaderQuery query)
    {
        using var snapshot = stores.KeyValues.Snapshot();
        var head = ChainStore.GetPublicHead(snapshot)?.Number ?? 0;
        var origin = query.Hash is { } hash ? ChainStore.GetHeader(snapshot, hash) : ChainStore.GetHeader(snapshot, query.Number);
        var headers = new List<byte[]>();
        if (origin is null || ChainStore.GetCanonicalHash(snapshot, origin.Number) != origin.Hash) return headers;
        var step = query.Skip == ulong.MaxValue ? ulong.MaxValue : query.Skip + 1;
        for (var number = origin.Number; headers.Count < query.Amount && number <= head;)
        {
            if (ChainStore.GetHeader(snapshot, number) is not { } header) break;
            headers.Add(header.Encode());
            if (query.Reverse ? number < step : number > ulong.MaxValue - step) break;
            number = query.Reverse ? number - step : number + step;
        }
        return headers;
    }

    public IReadOnlyList<byte[]> GetBodies(IReadOnlyList<Hash256> hashes)
    {
        const int softLimit = 2 << 20;
        var bodies = new List<byte[]>(hashes.Count);
        var size = 0;
        foreach (var hash in hashes)
        {
            if (size > softLimit) break;
            if (ChainStore.GetEncodedBody(stores.KeyValues, hash) is not { } body) continue;
            bodies.Add(body.ToArray());
            size += body.Length;
        }
        return bodies;
    }

    public IReadOnlyList<Hash256> UnknownOf(IReadOnlyList<Hash256> transactions) =>
        [.. transactions.Where(hash => !stores.Senders.Knows(hash))];

    public void OnPeerConnected(PeerInfo peer) => follower?.OnPeerConnected();

    public void OnPeerDisconnected(string nodeId) => follower?.OnPeerDisconnected(nodeId);

    public Hash256? OnNewBlock(string nodeId, ReadOnlyMemory<byte> rawBlock, UInt256 totalDifficulty) =>
        follower?.OnNewBlock(nodeId, rawBlock);

    public void OnNewBlockHashes(string nodeId, IReadOnlyList<(Hash256 Hash, ulong Number)> announced) =>
        follower?.OnAnnounced(nodeId, announced);

    private ulong HeadNumber => ChainStore.GetPublicHead(stores.KeyValues)?.Number ?? 0;

    private static Transaction? TryDecode(ReadOnlySpan<byte> raw)
    {
        try
        {
            return Transaction.Decode(raw);
        }
        catch (FormatException)
        {
            return null;
        }
    }
}
