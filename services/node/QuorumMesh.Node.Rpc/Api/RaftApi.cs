using QuorumMesh.Chain.Storage;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Raft;

namespace QuorumMesh.Node.Rpc.Api;

internal sealed class RaftApi(INode node) : IRpcApi
{
    public void Register(RpcMethodTable table)
    {
        table.Add("raft_role", 0, call => call.Result.WriteStringValue(node.Raft.Role));
        table.Add("raft_leader", 0,
            call => call.Result.WriteStringValue(node.Raft.LeaderNodeId ?? throw new RpcException("no leader is currently elected")));
        table.Add("raft_cluster", 0, Cluster);
        table.Add("raft_recoveries", 0, Recoveries);
        table.Add("raft_getRaftId", 1, RaftId);
        table.AddAsync("raft_addPeer", 1,
            async call => call.Result.WriteNumberValue(await AddAsync(call, asLearner: false).ConfigureAwait(false)));
        table.AddAsync("raft_addLearner", 1,
            async call => call.Result.WriteNumberValue(await AddAsync(call, asLearner: true).ConfigureAwait(false)));
        table.AddAsync("raft_promoteToPeer", 1, async call =>
        {
            await ChangeAsync(new RaftMembershipRequest.Promote(Id(call)), call).ConfigureAwait(false);
            call.Result.WriteBooleanValue(true);
        });
        table.AddAsync("raft_removePeer", 1, async call =>
        {
            await ChangeAsync(new RaftMembershipRequest.Remove(Id(call)), call).ConfigureAwait(false);
            call.Result.WriteNullValue();
        });
    }

    private Task<ulong> AddAsync(RpcCall call, bool asLearner)
    {
        var url = call.Text(0);
        if (!url.StartsWith("enode:", StringComparison.Ordinal)) throw new RpcException("invalid URL scheme, want \"enode\"");
        if (!url.Contains('@', StringComparison.Ordinal)) throw new RpcException("does not contain node ID");
        try
        {
            return ChangeAsync(new RaftMembershipRequest.Add(Enode.Parse(url), asLearner), call);
        }
        catch (FormatException e)
        {
            throw new RpcException(e.Message);
        }
    }

    private static ulong Id(RpcCall call) => call.Number(0, ushort.MaxValue, "uint16");

    private Task<ulong> ChangeAsync(RaftMembershipRequest request, RpcCall call) => node.ChangeMembershipAsync(request, call.Cancellation);

    private void Cluster(RpcCall call)
    {
        var json = call.Result;
        json.WriteStartArray();
        foreach (var member in node.Raft.Members)
        {
            json.WriteStartObject();
            json.WriteNumber("raftId", member.RaftId);
            json.WriteString("nodeId", member.NodeId);
            json.WriteNumber("p2pPort", member.P2pPort);
            json.WriteNumber("raftPort", member.RaftPort);
            json.WriteString("hostname", member.Hostname);
            json.WriteString("role", member.Role);
            json.WriteBoolean("nodeActive", member.Active);
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    /// <summary>Ours: what <c>qmesh raft recover</c> has done to this node's chain, the oldest first.</summary>
    private void Recoveries(RpcCall call)
    {
        using var view = node.OpenView();
        call.Result.WriteStartArray();
        foreach (var record in RaftRecoveryRecord.All(view.Snapshot)) record.Write(call.Result);
        call.Result.WriteEndArray();
    }

    private void RaftId(RpcCall call)
    {
        var text = call.Text(0);
        var id = Enode.TryParse(text, out var enode) ? enode.NodeId : text.ToLowerInvariant();
        var member = node.Raft.Members.FirstOrDefault(m => m.NodeId == id)
            ?? throw new RpcException($"node not found in the cluster: {text}");
        call.Result.WriteNumberValue(member.RaftId);
    }
}
