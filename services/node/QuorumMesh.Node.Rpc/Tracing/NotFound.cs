using QuorumMesh.Chain;
using QuorumMesh.Chain.Tracing;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Tracing;

/// <summary>
/// What a trace is asked of and is not there, in the words of eth/api_tracer.go. geth 1.10 calls an unknown transaction one of the
/// genesis block; the older text is kept.
/// </summary>
internal static class NotFound
{
    public static RpcException Transaction(TraceRules rules, in Hash256 hash) =>
        new($"transaction {Shown(rules, hash)} not found");

    public static RpcException Block(TraceRules rules, BlockTag tag)
    {
        if (tag.Kind != BlockTagKind.Hash) return Block(tag.Number);
        var mark = rules.NotFoundIsBareHex ? "#" : "";
        return new RpcException($"block {mark}{Shown(rules, tag.BlockHash)} not found");
    }

    public static RpcException Parent(NodeView view, BlockHeader header)
    {
        var rules = view.Rules.Profile.Trace;
        if (!rules.LooksForParentByNumber) return new RpcException($"parent {Shown(rules, header.ParentHash)} not found");
        return view.Header(header.Number - 1) is null ? Block(header.Number - 1) : new RpcException($"block {header.ParentHash} not found");
    }

    private static RpcException Block(ulong number) => new($"block #{number} not found");

    private static string Shown(TraceRules rules, in Hash256 hash) =>
        Hex.ToHex(hash.ToArray(), prefix: !rules.NotFoundIsBareHex);
}
