using QuorumMesh.Node.Rpc.Engine;

namespace QuorumMesh.Node.Rpc.Api;

/// <summary>The methods of one namespace, or a part of it.</summary>
internal interface IRpcApi
{
    void Register(RpcMethodTable table);
}
