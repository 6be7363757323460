using System.Globalization;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Runtime;

namespace QuorumMesh.Node.Rpc.Api;

internal sealed class NetApi(INode node) : IRpcApi
{
    public void Register(RpcMethodTable table)
    {
        table.Add("net_version", 0, call => call.Result.WriteStringValue(node.NetworkId.ToString(CultureInfo.InvariantCulture)));
        table.Add("net_listening", 0, call => call.Result.WriteBooleanValue(true));
        table.Add("net_peerCount", 0, call => call.Result.Quantity((ulong)node.Peers.Peers.Count));
    }
}
