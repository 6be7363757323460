using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using QuorumMesh.Listeners;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Tls;

namespace QuorumMesh.Node.Rpc.Transports;

/// <summary>One port of its own on Kestrel.</summary>
internal sealed class KestrelListener : IAsyncDisposable
{
    private static readonly TimeSpan KeepAlive = TimeSpan.FromSeconds(120);
    private static readonly TimeSpan HeadersTimeout = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan PingInterval = TimeSpan.FromSeconds(30);

    private readonly WebApplication _application;

    private KestrelListener(WebApplication application) => _application = application;

    /// <summary>Address and port that are listened on, once started.</summary>
    public Uri Address => new(_application.Services.GetRequiredService<IServer>()
        .Features.Get<IServerAddressesFeature>()!.Addresses.First());

    /// <param name="tls">Null serves plain text.</param>
    public static KestrelListener Create(RpcEndpointOptions endpoint, TlsServer? tls, RpcLimits limits, ILoggerFactory loggers,
        bool webSockets, RequestDelegate handler)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.Replace(ServiceDescriptor.Singleton(loggers));
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = null; // bounded by the handler, with a plain answer
            kestrel.Limits.KeepAliveTimeout = KeepAlive;
            kestrel.Limits.RequestHeadersTimeout = HeadersTimeout;
            kestrel.Limits.MaxConcurrentConnections = limits.MaxConnections;
            kestrel.Limits.MaxConcurrentUpgradedConnections = limits.MaxConnections;
            kestrel.Listen(ParseAddress(endpoint.Address), endpoint.Port, listen =>
            {
                if (tls is null) return;
                // As without TLS: the bounds of a connection are those of one request at a time.
                listen.Protocols = HttpProtocols.Http1;
                TlsListener.Use(listen, tls);
            });
        });
        var application = builder.Build();
        if (webSockets)
            application.UseWebSockets(new WebSocketOptions { KeepAliveInterval = PingInterval, KeepAliveTimeout = PingInterval });
        application.Run(handler);
        return new KestrelListener(application);
    }

    /// <exception cref="IOException">The port is in use or may not be opened; the message names it.</exception>
    public Task StartAsync(CancellationToken cancellation) => _application.StartAsync(cancellation);

    public Task StopAsync(CancellationToken cancellation) => _application.StopAsync(cancellation);

    public ValueTask DisposeAsync() => _application.DisposeAsync();

    private static IPAddress ParseAddress(string address) =>
        address == "localhost" ? IPAddress.Loopback
        : IPAddress.TryParse(address, out var ip) ? ip
        : throw new IOException($"RPC address '{address}' is not an IP address: use for example 127.0.0.1 or 0.0.0.0");
}
