using QuorumMesh.Chain;
using QuorumMesh.Node.Rpc.Api;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;

namespace QuorumMesh.Node.Rpc.Filters;

/// <summary>Finds logs in blocks: public ones, and those of private transactions that this node is a party to.</summary>
internal sealed class LogSearch(ulong maxRange)
{
    public const int MaxResults = 10_000;

    /// <exception cref="RpcException">The range or the result is too large, or the block unknown.</exception>
    public List<PlacedLog> Find(ReadScope scope, LogCriteria criteria, CancellationToken cancellation)
    {
        scope.View.RequireAgreement();
        var results = new List<PlacedLog>();
        if (criteria.Block is { } hash)
        {
            var block = scope.View.Block(hash) ?? throw new RpcException("unknown block");
            Collect(scope, block, criteria, results);
            return results;
        }
        var from = Number(scope, criteria.From);
        var to = Math.Min(Number(scope, criteria.To), scope.Latest);
        if (from > to) return results;
        if (to - from >= maxRange)
            throw new RpcException(RpcErrorCode.LimitExceeded,
            $"block range too large: {to - from + 1} blocks, at most {maxRange} are searched at once");
        for (var number = from; number <= to; number++)
        {
            cancellation.ThrowIfCancellationRequested();
            if (scope.View.Header(number) is { } header && MayHaveLogs(scope, header, criteria) && scope.View.Block(number) is { } block)
                Collect(scope, block, criteria, results);
        }
        return results;
    }

    private static ulong Number(ReadScope scope, BlockTag? tag) => tag switch
    {
        null => scope.Latest,
        { Kind: BlockTagKind.Number } at => at.Number,
        { Kind: BlockTagKind.Hash } at => scope.Header(at)?.Number ?? throw new RpcException("unknown block"),
        _ => scope.Latest,
    };

    private static bool MayHaveLogs(ReadScope scope, BlockHeader header, LogCriteria criteria)
    {
        if (criteria.MayMatch(header.Bloom)) return true;
        // Past the private head nothing can be told of the private side: the block itself says whether that matters.
        if (header.Number > scope.View.PrivateHead) return true;
        foreach (var receipt in scope.View.PrivateReceipts(header.Number, header.Hash))
            if (receipt is not null && receipt.Logs.Count > 0 && criteria.MayMatch(receipt.Bloom))
                return true;
        return false;
    }

    private static void Collect(ReadScope scope, Block block, LogCriteria criteria, List<PlacedLog> results)
    {
        var receipts = scope.Receipts(block, null);
        for (var i = 0; i < receipts.Count; i++) Collect(receipts[i].Receipt, receipts[i].FirstLogIndex, i);
        // Those of transactions in markers come last (24:eth/api_backend.go GetLogs).
        for (var i = 0; i < receipts.Count; i++)
            if (receipts[i].Marked is { } marked) Collect(marked.Receipt, marked.FirstLogIndex, i);

        void Collect(Receipt receipt, uint first, int index)
        {
            for (var k = 0; k < receipt.Logs.Count; k++)
            {
                if (!criteria.Matches(receipt.Logs[k])) continue;
                if (results.Count >= MaxResults)
                    throw new RpcException(RpcErrorCode.LimitExceeded, $"query returned more than {MaxResults} results");
                results.Add(new PlacedLog(receipt.Logs[k], block.Header, block.Transactions[index].Hash, index, first + (uint)k));
            }
        }
    }
}
