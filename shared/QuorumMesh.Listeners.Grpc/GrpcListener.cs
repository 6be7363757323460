using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace QuorumMesh.Listeners.Grpc;

/// <summary>
/// The bounds of one gRPC listener: bytes that all its connections hold together, time for each message, connections and streams.
/// gRPC itself bounds one message alone, and gathers all of it before a service sees it. Requests of one message each, as all of
/// our contracts have.
/// </summary>
/// <param name="name">What the metrics call it, such as <c>enclave</c>.</param>
/// <param name="limit">Bytes of requests and answers under way, above 0.</param>
/// <param name="least">Time for a short message; see <see cref="TransferTime"/>.</param>
public sealed class GrpcListener(string name, long limit, TimeSpan? least = null)
{
    /// <summary>Bytes of a message in either direction: the longest payload with its boxes.</summary>
    public const int MaxMessage = 40 * 1024 * 1024;

    /// <summary>Each may have <see cref="MaxStreams"/> calls; a client of ours opens another one when they are taken.</summary>
    public const int MaxConnections = 64;

    /// <summary>Calls at a time on a connection.</summary>
    public const int MaxStreams = 100;

    private readonly TimeSpan _least = least ?? TransferTime.Least;

    /// <summary>What its connections hold together.</summary>
    public ByteBudget Budget { get; } = new(name, limit);

    /// <summary>
    /// For the services: how long a message may be, and that none is compressed, for a small one could unfold to any size.
    /// </summary>
    public void AddTo(IServiceCollection services)
    {
        services.AddSingleton(this);
        services.AddGrpc(grpc =>
        {
            grpc.MaxReceiveMessageSize = MaxMessage;
            grpc.MaxSendMessageSize = MaxMessage;
            grpc.Interceptors.Add<AnswerBound>();
        });
        // gRPC fills an empty list of compressions when all else is configured.
        services.PostConfigure<GrpcServiceOptions>(grpc => grpc.CompressionProviders.Clear());
    }

    /// <summary>For the server: HTTP/2's own limits, which are the same for all its ports.</summary>
    public static void Configure(KestrelServerLimits limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        // Kestrel's own bound is below a message's.
        limits.MaxRequestBodySize = MaxMessage + 1024;
        limits.Http2.MaxStreamsPerConnection = MaxStreams;
        limits.Http2.InitialConnectionWindowSize = 4 * 1024 * 1024;
        limits.Http2.InitialStreamWindowSize = 1024 * 1024;
    }

    /// <summary>For the port.</summary>
    public void Configure(ListenOptions listen)
    {
        ArgumentNullException.ThrowIfNull(listen);
        listen.Protocols = HttpProtocols.Http2;
        ConnectionLimit.Use(listen, Budget.Listener, MaxConnections);
    }

    /// <summary>
    /// The share of the budget that a call's own work takes, such as what it reads before it can answer. It ends with the call, and with a
    /// unary answer as soon as that is counted.
    /// </summary>
    /// <exception cref="InvalidOperationException">The call did not come through <see cref="InvokeAsync"/>.</exception>
    public static ByteLease Work(ServerCallContext context) =>
        context.GetHttpContext().Features.GetRequiredFeature<BoundedCall>().Work;

    /// <summary>The middleware before the services of this port.</summary>
    public async Task InvokeAsync(HttpContext http, RequestDelegate next)
    {
        ArgumentNullException.ThrowIfNull(http);
        ArgumentNullException.ThrowIfNull(next);
        using var call = new BoundedCall(http, Budget, _least);
        await next(http).ConfigureAwait(false);
        await call.SendAsync().ConfigureAwait(false);
    }
}
