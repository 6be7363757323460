using QuorumMesh.Chain;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Tracing;

/// <summary>
/// What a trace is asked of and is not there, in the words of eth/api_tracer.go: up to GoQuorum 2.5 a hash is without 0x. geth
/// 1.10 calls an unknown transaction one of the genesis block; the older text is kept.
/// </summary>
internal static class NotFound
{
    public static RpcException Transaction(CompatibilityProfile profile, in Hash256 hash) =>
        new($"transaction {Shown(profile, hash)} not found");

    public static RpcException Block(CompatibilityProfile profile, BlockTag tag)
    {
        if (tag.Kind != BlockTagKind.Hash) return Block(tag.Number);
        var mark = profile == CompatibilityProfile.V2_5 ? "#" : "";
        return new RpcException($"block {mark}{Shown(profile, tag.BlockHash)} not found");
    }

    /// <summary>geth 1.10 looks for any block of that number first (eth/tracers/api.go, blockByNumberAndHash).</summary>
    public static RpcException Parent(NodeView view, BlockHeader header)
    {
        var profile = view.Rules.Profile;
        if (profile != CompatibilityProfile.V24) return new RpcException($"parent {Shown(profile, header.ParentHash)} not found");
        return view.Header(header.Number - 1) is null ? Block(header.Number - 1) : new RpcException($"block {header.ParentHash} not found");
    }

    private static RpcException Block(ulong number) => new($"block #{number} not found");

    private static string Shown(CompatibilityProfile profile, in Hash256 hash) =>
        Hex.ToHex(hash.ToArray(), prefix: profile != CompatibilityProfile.V2_5);
}
