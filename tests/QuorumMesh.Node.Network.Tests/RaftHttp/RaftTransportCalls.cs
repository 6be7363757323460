using QuorumMesh.Consensus.Raft;
using QuorumMesh.Node.Network.RaftHttp;

namespace QuorumMesh.Node.Network.Tests.RaftHttp;

/// <summary>Members of clusters without TLS, where node ids play no part.</summary>
internal static class RaftTransportCalls
{
    public static void AddPeer(this RaftTransport transport, ulong id, Uri url) => transport.AddPeer(Member(id, url));

    public static void Introduce(this RaftTransport transport, ulong id, Uri url) => transport.Introduce(Member(id, url));

    private static RaftAddress Member(ulong id, Uri url) => new(id, new byte[RaftAddress.NodeIdSize], url.Host, 1, url.Port);
}
