using Microsoft.AspNetCore.Server.Kestrel.Core;
using QuorumMesh.Listeners;
using QuorumMesh.Listeners.Grpc;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.TxManager.Configuration;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Keys;
using QuorumMesh.TxManager.Grpc;
using QuorumMesh.TxManager.Rest;
using QuorumMesh.TxManager.Rest.OpenApi;

namespace QuorumMesh.TxManager.Hosting;

/// <summary>Puts the manager together and runs it.</summary>
public static class ManagerHost
{
    private const int MaxMessage = PrivacyManagerService.MaxMessage;

    public static async Task<int> RunAsync(ManagerOptions options, CancellationToken cancel)
    {
        var app = await StartAsync(options, new Seams(), cancel).ConfigureAwait(false);
        using var deadline = StopDeadline.Arm("quorummesh-txmanager", app.Lifetime.ApplicationStopping);
        using var stopping = app.Lifetime.ApplicationStopping.Register(ServiceNotice.Stopping);
        ServiceNotice.Ready();
        await using (app.ConfigureAwait(false))
            await app.WaitForShutdownAsync(cancel).ConfigureAwait(false);

        return HostRunner.Ok;
    }

    /// <summary>Opens the store and listens. The caller stops and disposes the application.</summary>
    public static async Task<WebApplication> StartAsync(ManagerOptions options, Seams seams, CancellationToken cancel)
    {
        var own = seams.Enclave is null && options.EnclaveAddress is null
            ? await InProcessEnclave.LoadAsync(options.KeysFile, cancel).ConfigureAwait(false)
            : null;
        Composition parts;
        try
        {
            parts = new Composition(options, own is null ? seams : seams with { Enclave = own }, own);
        }
        catch (PrivacyException e)
        {
            throw new StartupException($"{e.Message}; check jdbc.url (or quorummesh.database)", e);
        }

        try
        {
            await parts.LoadIdentitiesAsync(cancel).ConfigureAwait(false);
            var app = Build(options, parts);
            await MapAsync(app, options, parts, cancel).ConfigureAwait(false);
            await app.StartAsync(cancel).ConfigureAwait(false);
            Announce(app, options);
            return app;
        }
        catch
        {
            parts.Dispose();
            throw;
        }
    }

    private static WebApplication Build(ManagerOptions options, Composition parts)
    {
        var builder = ServiceHost.CreateBuilder();
        builder.AddServiceDefaults("txmanager", defaults =>
        {
            defaults.HealthUrl = options.HealthUrl;
            defaults.LogJson = options.LogJson;
        });
        if (options.Debug)
            builder.Logging.SetMinimumLevel(LogLevel.Debug);
        var services = builder.Services;
        services.AddSingleton(_ => parts);
        services.AddSingleton(new ManagerMetrics(parts));
        services.AddSingleton(provider => new KeySync(
            parts.OwnKeys, options.EnclaveKeySyncInterval,
            provider.GetRequiredService<ILoggerFactory>().CreateLogger("QuorumMesh.TxManager.Enclave")));
        services.AddHostedService(provider => provider.GetRequiredService<KeySync>());
        services.AddHostedService(provider => new IdentityService(
            parts.OwnIdentity, parts.Identities, parts.Store, options.EnclaveKeySyncInterval,
            provider.GetRequiredService<ILoggerFactory>().CreateLogger("QuorumMesh.TxManager.Identities")));
        services.AddHostedService(provider => new ReceiptService(
            parts.Receipts, provider.GetRequiredService<ILoggerFactory>().CreateLogger("QuorumMesh.TxManager.Identities")));
        services.AddHostedService(provider => new PollService(parts.Poller, provider.GetRequiredService<IHostApplicationLifetime>()));
        services.AddHostedService(provider => new ChecksumService(
            parts.Store, provider.GetRequiredService<ILoggerFactory>().CreateLogger("QuorumMesh.TxManager.Store")));
        services.AddHostedService(provider => new ParticipationService(
            parts.Participations, provider.GetRequiredService<ILoggerFactory>().CreateLogger("QuorumMesh.TxManager.Store")));
        services.AddReadinessCheck("enclave", provider =>
        {
            var sync = provider.GetRequiredService<KeySync>();
            return _ => ValueTask.FromResult(sync.Problem);
        });
        services.AddReadinessCheck("store", _ => async cancel => await parts.Store.ProbeAsync(cancel).ConfigureAwait(false));
        RestDocument.AddTo(services, options.Servers.Where(s => s.Kind != AppKind.Grpc).Select(s => s.Kind.ToString()).Distinct());
        if (options.Servers.Any(s => s.Kind == AppKind.Grpc))
        {
            services.AddSingleton(provider => new PrivacyManagerService(
                parts.Sender, parts.Reader, parts.Recent, parts.Store, parts.OwnKeys,
                provider.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping));
            new GrpcListener("grpc", options.MaxListenerBytes).AddTo(services);
        }

        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => Listen(kestrel, options, parts));
        return builder.Build();
    }

    private static void Listen(KestrelServerOptions kestrel, ManagerOptions options, Composition parts)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = MaxMessage + 1024;
        kestrel.Limits.MaxConcurrentConnections = 4096;
        kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(60);
        GrpcListener.Configure(kestrel.Limits);
        foreach (var server in options.Servers)
            server.Listen.ListenOn(kestrel, listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                if (server.Kind == AppKind.Grpc)
                    kestrel.ApplicationServices.GetRequiredService<GrpcListener>().Configure(listen);
                listen.Use(next => connection =>
                {
                    connection.Features.Set(server);
                    return next(connection);
                });
                if (parts.TlsOf(server) is { } tls)
                    TlsListener.Use(listen, tls);
                if (server.Listen.SocketPath is not null && server.Kind != AppKind.Grpc)
                    listen.Use(AnyHost.Use);
            });
    }

    private static async Task MapAsync(WebApplication app, ManagerOptions options, Composition parts, CancellationToken cancel)
    {
        var log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("QuorumMesh.TxManager");
        if (parts.Notice is { } notice)
            log.LogWarning("{Notice}", notice);
        if (parts.Store.Notice is { } taken)
            log.LogWarning("{Notice}", taken);
        parts.Store.Damaged += message => log.LogError("{Problem}", message);
        parts.PeerTold += message => log.LogWarning("{Problem}", message);
        parts.WatchTls(message => log.LogWarning("{Problem}", message));
        var rest = new Dictionary<AppServer, RestApp>();
        foreach (var server in options.Servers.Where(s => s.Kind != AppKind.Grpc))
        {
            rest[server] = await parts.CreateAppAsync(server, app.Services, log, cancel).ConfigureAwait(false);
            app.Services.GetRequiredService<RestDescriptions>().Add(rest[server]);
        }

        app.MapServiceDefaults();
        app.Use((context, next) =>
            context.Features.Get<AppServer>() is { } server && rest.TryGetValue(server, out var target)
                ? target.HandleAsync(context)
                : next(context));
        if (options.Servers.Any(s => s.Kind == AppKind.Grpc))
        {
            app.Use(app.Services.GetRequiredService<GrpcListener>().InvokeAsync);
            app.MapGrpcService<PrivacyManagerService>();
        }
    }

    private static void Announce(WebApplication app, ManagerOptions options)
    {
        var log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("QuorumMesh.TxManager");
        foreach (var notice in options.Notices)
            log.LogWarning("{Notice}", notice);
        if (options.EnclaveAddress is null)
            log.LogWarning(
                "The enclave runs in this process, as the configuration has keys and no server with app ENCLAVE: whoever gets into the "
                + "manager has the keys. quorummesh-enclave keeps them apart");
        if (!options.EnableRemoteKeyValidation && options.Peers.Any(p => p != options.OwnUrl))
            log.LogWarning(
                "Keys of the configured peers count without a proof, for features.enableRemoteKeyValidation is not set: true has them "
                + "prove each key at their URL. Other managers prove theirs in either case");
        if (options.OpenResend && !options.Recovers)
            log.LogWarning(
                "/resend INDIVIDUAL answers whoever asks, as Tessera's does: its answers tell a stranger who is party to a transaction. "
                + "Set quorummesh.tesseraPeers to false, or quorummesh.resend to proven, once every peer is a QuorumMesh manager");

        foreach (var server in options.Servers)
        {
            log.LogInformation("{App} on {Address}{Tls}", server.Kind, server.Listen, server.HasTls ? " with TLS" : "");
            if (server.Listen.SocketPath is { } path)
                app.Lifetime.ApplicationStopped.Register(() => File.Delete(path));
        }
    }
}
