using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Api;

internal sealed class DebugApi(NodeReader reader) : IRpcApi
{
    public void Register(RpcMethodTable table)
    {
        table.AddAsync("debug_privateStateRoot", 1, PrivateStateRootAsync);
        table.AddAsync("debug_defaultStateRoot", 1, PrivateStateRootAsync);
        table.AddAsync("debug_getBlockRlp", 1, BlockRlpAsync);
        table.Add("debug_getBadBlocks", 0, call =>
        {
            call.Result.WriteStartArray();
            call.Result.WriteEndArray();
        });
    }

    private async ValueTask PrivateStateRootAsync(RpcCall call)
    {
        var tag = call.OptionalBlock(0);
        call.Result.Value(await reader.ReadAsync(call, scope =>
            scope.View.PrivateRoot((scope.Header(tag) ?? throw new RpcException("block not found")).Number)).ConfigureAwait(false));
    }

    private async ValueTask BlockRlpAsync(RpcCall call)
    {
        var number = call.NumberOrQuantity(0);
        var block = await reader.ReadAsync(call, scope => scope.View.Block(number)).ConfigureAwait(false)
            ?? throw new RpcException($"block #{number} not found");
        call.Result.WriteStringValue(Hex.ToHex(block.Encode(), prefix: false));
    }
}
