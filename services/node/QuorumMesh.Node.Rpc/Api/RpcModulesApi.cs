using QuorumMesh.Node.Rpc.Engine;

namespace QuorumMesh.Node.Rpc.Api;

internal sealed class RpcModulesApi : IRpcApi
{
    public void Register(RpcMethodTable table) => table.Add("rpc_modules", 0, call =>
    {
        call.Result.WriteStartObject();
        foreach (var name in table.Namespaces.Where(call.Session.HasNamespace))
            call.Result.WriteString(name, "1.0");
        call.Result.WriteEndObject();
    });
}
