using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Api;

internal sealed class Web3Api(INode node) : IRpcApi
{
    public void Register(RpcMethodTable table)
    {
        table.Add("web3_clientVersion", 0, call => call.Result.WriteStringValue(node.ClientVersion));
        table.Add("web3_sha3", 1, call => call.Result.Value(Keccak.Hash(call.Bytes(0))));
    }
}
