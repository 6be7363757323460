using QuorumMesh.Chain;
using QuorumMesh.Node.Rpc.Calls;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Rpc.Tracing;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Api;

/// <summary>debug_trace…: of stored transactions and blocks, of a block that is given, and of calls.</summary>
internal sealed class DebugTraceApi(TransactionTracer transactions, CallTraceRunner calls) : IRpcApi
{
    public void Register(RpcMethodTable table)
    {
        table.AddAsync("debug_traceTransaction", 2, TransactionAsync);
        table.AddAsync("debug_traceBlockByNumber", 2, BlockByNumberAsync);
        table.AddAsync("debug_traceBlockByHash", 2, BlockByHashAsync);
        table.AddAsync("debug_traceBlock", 2, BlockAsync);
        table.AddAsync("debug_traceCall", 3, CallAsync);
    }

    private ValueTask TransactionAsync(RpcCall call)
    {
        var hash = call.Hash(0);
        var config = TraceConfig.Of(call, 1);
        return transactions.TransactionAsync(call, scope => scope.View.FindTransaction(hash) is { } found
            ? new ReplayTarget(found.Block, found.Index, 1)
            : throw NotFound.Transaction(scope.View.Rules.Profile.Trace, hash), config);
    }

    private ValueTask BlockByNumberAsync(RpcCall call)
    {
        var tag = call.Block(0);
        var config = TraceConfig.Of(call, 1);
        return transactions.BlockAsync(call,
            scope => Whole(scope.Block(tag) ?? throw NotFound.Block(scope.View.Rules.Profile.Trace, tag)), config);
    }

    private ValueTask BlockByHashAsync(RpcCall call)
    {
        var hash = call.Hash(0);
        var config = TraceConfig.Of(call, 1);
        return transactions.BlockAsync(call,
            scope => Whole(scope.View.Block(hash)
            ?? throw NotFound.Block(scope.View.Rules.Profile.Trace, new BlockTag(BlockTagKind.Hash, 0, hash))), config);
    }

    /// <summary>The RLP of a block on a stored parent, as 0x hex or, as Go takes bytes, in Base64.</summary>
    private ValueTask BlockAsync(RpcCall call)
    {
        var text = call.Text(0);
        var config = TraceConfig.Of(call, 1);
        var bytes = new byte[text.Length];
        if (text.StartsWith("0x", StringComparison.Ordinal) && Hex.TryFromHex(text, out var fromHex)) bytes = fromHex;
        else if (Convert.TryFromBase64String(text, bytes, out var length)) Array.Resize(ref bytes, length);
        else throw RpcException.InvalidArgument(0, "the RLP of a block is given as 0x hex or in Base64");
        Block block;
        try
        {
            block = Block.Decode(bytes);
        }
        catch (FormatException e)
        {
            throw new RpcException($"could not decode block: {e.Message}");
        }
        return transactions.BlockAsync(call, _ => Whole(block), config);
    }

    private ValueTask CallAsync(RpcCall call)
    {
        var (arguments, tag) = (call.Read(0, CallArguments.Read), call.OptionalBlock(1));
        return calls.RunAsync(call, arguments, tag, TraceConfig.Of(call, 2));
    }

    private static ReplayTarget Whole(Block block) => new(block, 0, block.Transactions.Count);
}
