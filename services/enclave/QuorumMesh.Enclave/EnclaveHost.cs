using System.Security.Cryptography;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using QuorumMesh.Enclave.Core;
using QuorumMesh.Enclave.Grpc;
using QuorumMesh.Enclave.Keys;
using QuorumMesh.Enclave.Rest;
using QuorumMesh.Listeners;
using QuorumMesh.Listeners.Grpc;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.Tls;

namespace QuorumMesh.Enclave;

/// <summary>Puts the enclave together and runs it.</summary>
public static class EnclaveHost
{
    /// <summary>A Tessera has a connection for each of its threads.</summary>
    private const int MaxTesseraConnections = 256;

    private const int SharedKeys = 4096;

    /// <summary>Runs until the host is stopped; the answer is the process's exit code.</summary>
    public static async Task<int> RunAsync(EnclaveOptions options, CancellationToken cancellation)
    {
        var app = await StartAsync(options, cancellation).ConfigureAwait(false);
        using var deadline = StopDeadline.Arm("quorummesh-enclave", app.Lifetime.ApplicationStopping);
        using var stopping = app.Lifetime.ApplicationStopping.Register(ServiceNotice.Stopping);
        ServiceNotice.Ready();
        await using var owned = app;
        await app.WaitForShutdownAsync(cancellation).ConfigureAwait(false);
        return HostRunner.Ok;
    }

    /// <summary>Loads the keys, then listens. The caller stops and disposes the application.</summary>
    /// <exception cref="OptionsException">A setting or a key cannot be used.</exception>
    public static async Task<WebApplication> StartAsync(EnclaveOptions options, CancellationToken cancellation)
    {
        ArgumentNullException.ThrowIfNull(options);
        try
        {
            var config = EnclaveConfig.Read(options.ConfigFile);
            var materials = new TlsMaterials(TimeProvider.System);
            var ports = Ports(options, config, materials);
            var provider = new TesseraKeyProvider(options.ConfigFile, TimeProvider.System, Environment.GetEnvironmentVariable);
            var (ring, waiting) = await FirstKeysAsync(provider, cancellation).ConfigureAwait(false);
            var app = Build(options, config, ports, provider, ring, IdentityFile.Load(options.ConfigFile));
            app.Lifetime.ApplicationStopped.Register(materials.Dispose);
            if (waiting is not null)
                app.Services.GetRequiredService<KeyCustody>().Wait(waiting);
            await app.StartAsync(cancellation).ConfigureAwait(false);
            foreach (var port in ports)
                Announce(app, port, options);
            AnnounceKeys(app);
            Watch(app, materials, ports);
            if (OwnFiles.Close(EnclaveConfig.SecretFiles(options.ConfigFile)) is { } closed)
                app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("QuorumMesh.Enclave").LogWarning("{Closed}", closed);
            return app;
        }
        catch (KeyException e)
        {
            throw new OptionsException(e.Key, e.Problem, e);
        }
    }

    /// <summary>No keys and the reason while a vault is away: the enclave starts, is not ready, and makes none of its own.</summary>
    private static async Task<(KeyRing Ring, string? Waiting)> FirstKeysAsync(TesseraKeyProvider provider, CancellationToken cancellation)
    {
        try
        {
            return (await provider.LoadAsync(cancellation).ConfigureAwait(false), null);
        }
        catch (KeyUnavailableException e)
        {
            return (KeyRing.None, e.Message);
        }
    }

    private static WebApplication Build(
        EnclaveOptions options, EnclaveConfig config, IReadOnlyList<DataPort> ports, TesseraKeyProvider provider, KeyRing ring,
        IdentityKey? identity)
    {
        var builder = ServiceHost.CreateBuilder();
        builder.AddServiceDefaults("enclave", defaults =>
        {
            defaults.HealthUrl = options.HealthUrl;
            defaults.LogJson = options.LogJson;
        });
        var cache = new SharedKeyCache(SharedKeys);
        var sealer = new PayloadSealer(ring, cache, RandomNumberGenerator.Fill);
        builder.Services.AddSingleton(sealer);
        var custody = new KeyCustody(sealer);
        builder.Services.AddSingleton(custody);
        builder.Services.AddSingleton(new EnclaveMetrics(sealer, cache, custody, TimeProvider.System));
        // By a factory, so that the container disposes of it.
        builder.Services.AddSingleton(_ => provider);
        // By a factory too.
        if (identity is not null) builder.Services.AddSingleton(_ => identity);
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(
            services => new EnclaveService(sealer, custody, services.GetRequiredService<EnclaveMetrics>(), config.AlwaysSendTo,
                services.GetService<IdentityKey>(), TimeProvider.System));
        builder.Services.AddHostedService<KeyReloader>();
        builder.Services.AddReadinessCheck("keys", () => custody.Problem);
        var listener = new GrpcListener("enclave", options.ListenerBytes);
        listener.AddTo(builder.Services);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => Listen(kestrel, ports, options, listener));

        var app = builder.Build();
        app.MapServiceDefaults();
        if (ports.Any(p => p.IsTesseras))
        {
            var api = new TesseraEnclaveApi(
                sealer, custody, app.Services.GetRequiredService<EnclaveMetrics>(), config.AlwaysSendTo,
                new ByteBudget("enclave_tessera", options.ListenerBytes));
            app.Use((context, next) => context.Features.Get<DataPort>() is { IsTesseras: true } ? api.HandleAsync(context) : next(context));
        }

        app.Use(listener.InvokeAsync);
        app.MapGrpcService<EnclaveService>();
        return app;
    }

    private static void Watch(WebApplication app, TlsMaterials materials, IReadOnlyList<DataPort> ports)
    {
        var log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("QuorumMesh.Enclave");
        foreach (var tls in ports.Select(p => p.Tls).OfType<TlsServer>().Distinct()) tls.Told += Tell;
        materials.Watch(Tell);

        void Tell(string line) => log.LogWarning("{Line}", line);
    }

    private static void Listen(
        KestrelServerOptions kestrel, IReadOnlyList<DataPort> ports, EnclaveOptions options, GrpcListener listener)
    {
        kestrel.AddServerHeader = false;
        GrpcListener.Configure(kestrel.Limits);
        foreach (var port in ports)
            port.Address.ListenOn(kestrel, listen =>
            {
                if (port.IsTesseras)
                {
                    listen.Protocols = HttpProtocols.Http1;
                    ConnectionLimit.Use(listen, "enclave_tessera", MaxTesseraConnections);
                }
                else
                {
                    listener.Configure(listen);
                }
                listen.Use(next => connection =>
                {
                    connection.Features.Set(port);
                    return next(connection);
                });
                if (port.Tls is not null) TlsListener.Use(listen, port.Tls);
                if (port.Address.SocketPath is not null)
                    PeerCredentials.Require(listen, options.AllowedUids);
            });
    }

    private static List<DataPort> Ports(EnclaveOptions options, EnclaveConfig config, TlsMaterials materials)
    {
        const string server = "serverConfigs (app ENCLAVE).serverAddress";
        var ports = new List<DataPort>();
        if (options.Listen is { } own)
            ports.Add(Port("--listen", own, isTesseras: false));
        if (config.Listen is { } configured && (options.ServesTessera || options.Listen is null))
            ports.Add(Port(server, configured, options.ServesTessera));
        if (ports.Count == 0)
            throw new OptionsException("serverConfigs", "has no server with app ENCLAVE; add one, or give --listen unix:/path");
        if (options.ServesTessera && config.Listen is null)
            throw new OptionsException("serverConfigs", "has no server with app ENCLAVE, and --tessera is given");
        if (ports.TrueForAll(p => p.Tls is null))
            options.Tls.RefuseUnused(ports[0].Address.Key);
        return ports;

        DataPort Port(string key, string value, bool isTesseras)
        {
            var address = ListenAddress.ParseWithTls(key, value);
            return address.IsLoopback || address.IsHttps
                ? new DataPort(address, isTesseras, options.Tls.Open(key, address, materials))
                : throw new OptionsException(key, $"'{value}' is not on loopback: use unix:/path or 127.0.0.1, or https://host:port with "
                    + "--tls-cert, --tls-key and --manager-cert");
        }
    }

    private static void Announce(WebApplication app, DataPort port, EnclaveOptions options)
    {
        var address = port.Address;
        var keys = app.Services.GetRequiredService<PayloadSealer>().Ring.Keys;
        var first = keys.Count > 0 ? keys[0].PublicKey.ToString() : "none yet";
        var log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("QuorumMesh.Enclave");
        if (port.IsTesseras)
            log.LogInformation("{Address} serves a Tessera, by its HTTP interface", address);
        if (address.SocketPath is { } path)
        {
            PeerCredentials.Protect(path, options.AllowedUids);
            app.Lifetime.ApplicationStopped.Register(() => File.Delete(path));
            log.LogInformation("Listening on {Address}, {Count} keys, default {Key}", address, keys.Count, first);
        }
        else if (address.IsHttps)
        {
            log.LogInformation("Listening on {Address} for the manager of {Certificate}, {Count} keys, default {Key}",
                string.Join(", ", app.Urls), options.Tls.Manager, keys.Count, first);
        }
        else
        {
            log.LogWarning(
                "Listening on {Address}, {Count} keys, default {Key}. Any local user can connect here; a Unix socket lets only one user in",
                string.Join(", ", app.Urls), keys.Count, first);
        }
    }

    private static void AnnounceKeys(WebApplication app)
    {
        var log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("QuorumMesh.Enclave");
        if (app.Services.GetService<IdentityKey>() is { } identity)
            log.LogInformation("The identity is {Identity}", Convert.ToBase64String(identity.PublicKey));
        else if (app.Services.GetRequiredService<PayloadSealer>().Ring.Revoked.Count > 0)
            log.LogWarning("keys.revoked is told to no peer without keys.identity: 'qmesh keys identity FILE' makes one");
        if (app.Services.GetRequiredService<KeyCustody>().Problem is { } problem)
            log.LogWarning("Not ready, waiting for the keys: {Problem}", problem);
    }

    /// <param name="IsTesseras">Whether it speaks Tessera's HTTP interface; else our gRPC.</param>
    /// <param name="Tls">Null speaks plain text.</param>
    private sealed record DataPort(ListenAddress Address, bool IsTesseras, TlsServer? Tls);
}
