using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using QuorumMesh.Listeners;
using QuorumMesh.ServiceDefaults.Health;
using QuorumMesh.ServiceDefaults.Logging;
using QuorumMesh.ServiceDefaults.Metrics;
using QuorumMesh.ServiceDefaults.Telemetry;

namespace QuorumMesh.ServiceDefaults;

/// <summary>Health, metrics, traces and logs, the same in every service.</summary>
public static class ServiceDefaultsExtensions
{
    /// <summary>Probes and scrapers are few.</summary>
    public const int MaxHealthConnections = 64;

    /// <param name="serviceName"><c>node</c>, <c>txmanager</c> or <c>enclave</c>; traces carry it as <c>quorummesh-…</c>.</param>
    /// <exception cref="OptionsException">The health address cannot be used.</exception>
    public static WebApplicationBuilder AddServiceDefaults(
        this WebApplicationBuilder builder, string serviceName, Action<ServiceDefaultsOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(serviceName);
        var options = new ServiceDefaultsOptions();
        configure?.Invoke(options);

        LogSetup.Apply(builder, options);
        TracingSetup.Apply(builder.Services, serviceName, options);

        // Streams end by themselves when the host stops; what is still open then is a client that stands still.
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = StopDeadline.OpenCalls);
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton(new PrometheusCollector(options.Meters));
        builder.Services.AddSingleton<ReadinessReport>();
        builder.Services.AddReadinessCheck("started", provider => StartedCheck(provider));
        AddHealthListener(builder, options);
        return builder;
    }

    public static IServiceCollection AddReadinessCheck(this IServiceCollection services, string name, Func<string?> check) =>
        services.AddSingleton(new ReadinessCheck(name, check));

    public static IServiceCollection AddReadinessCheck(
        this IServiceCollection services, string name, Func<IServiceProvider, Func<CancellationToken, ValueTask<string?>>> check) =>
        services.AddSingleton(provider => new ReadinessCheck(name, check(provider)));

    /// <summary>
    /// Answers <c>/livez</c>, <c>/readyz</c> and <c>/metrics</c>. Call it before any other middleware: with a health listener
    /// nothing else is served there, and these paths are served nowhere else.
    /// </summary>
    public static WebApplication MapServiceDefaults(this WebApplication app)
    {
        ArgumentNullException.ThrowIfNull(app);
        var options = app.Services.GetRequiredService<ServiceDefaultsOptions>();
        var endpoints = new HealthEndpoints(
            app.Services.GetRequiredService<ReadinessReport>(),
            app.Services.GetRequiredService<PrometheusCollector>(),
            separateListener: options.HealthUrl is not null);
        app.Use(endpoints.InvokeAsync);
        return app;
    }

    private static Func<CancellationToken, ValueTask<string?>> StartedCheck(IServiceProvider provider)
    {
        var lifetime = provider.GetRequiredService<IHostApplicationLifetime>();
        return _ => ValueTask.FromResult(
            lifetime.ApplicationStopping.IsCancellationRequested ? "stopping"
            : lifetime.ApplicationStarted.IsCancellationRequested ? null
            : "starting");
    }

    private static void AddHealthListener(WebApplicationBuilder builder, ServiceDefaultsOptions options)
    {
        if (options.HealthUrl is null)
            return;
        var address = ListenAddress.Parse(options.HealthKey, options.HealthUrl);
        builder.WebHost.ConfigureKestrel(kestrel => address.ListenOn(kestrel, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            ConnectionLimit.Use(listen, "health", MaxHealthConnections);
            listen.Use(next => connection =>
            {
                connection.Features.Set(HealthListenerFeature.Instance);
                return next(connection);
            });
        }));
    }
}
