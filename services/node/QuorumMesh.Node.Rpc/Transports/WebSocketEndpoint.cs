using Microsoft.AspNetCore.Http;
using QuorumMesh.Listeners;
using QuorumMesh.Node.Rpc.Access;
using QuorumMesh.Node.Rpc.Engine;

namespace QuorumMesh.Node.Rpc.Transports;

/// <summary>JSON-RPC over WebSocket, on every path of its port.</summary>
internal sealed class WebSocketEndpoint(RpcEngine engine, RpcGate gate, ByteBudget budget, RpcSession session, OriginRules origins,
    CancellationToken stopping)
{
    public async Task HandleAsync(HttpContext http)
    {
        if (!http.WebSockets.IsWebSocketRequest)
        {
            await RefuseAsync(http, StatusCodes.Status426UpgradeRequired, "this port takes WebSocket connections only")
                .ConfigureAwait(false);
            return;
        }
        // Only browsers send an origin: other programs are let in, as by geth.
        var origin = http.Request.Headers.Origin.ToString();
        if (origin.Length > 0 && !origins.Allows(origin))
        {
            await RefuseAsync(http, StatusCodes.Status403Forbidden, "origin not allowed").ConfigureAwait(false);
            return;
        }
        if (await gate.AdmitAsync(http, session).ConfigureAwait(false) is not { } admitted) return;
        using var socket = await http.WebSockets.AcceptWebSocketAsync().ConfigureAwait(false);
        var own = admitted with { UserAgent = http.Request.Headers.UserAgent.FirstOrDefault() };
        await new WebSocketConnection(socket, engine, budget, own, stopping).RunAsync().ConfigureAwait(false);
    }

    private static Task RefuseAsync(HttpContext http, int status, string why)
    {
        http.Response.StatusCode = status;
        http.Response.ContentType = "text/plain; charset=utf-8";
        return http.Response.WriteAsync(why + "\n", http.RequestAborted);
    }
}
