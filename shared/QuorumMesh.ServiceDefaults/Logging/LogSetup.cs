using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;

namespace QuorumMesh.ServiceDefaults.Logging;

internal static class LogSetup
{
    private const string TimestampFormat = "yyyy-MM-dd'T'HH:mm:ss.fff'Z' ";

    public static void Apply(WebApplicationBuilder builder, ServiceDefaultsOptions options)
    {
        builder.Logging.ClearProviders();
        if (options.LogJson || Wanted())
            builder.Logging.AddJsonConsole(json =>
            {
                json.UseUtcTimestamp = true;
                json.TimestampFormat = TimestampFormat.TrimEnd();
            });
        else
            builder.Logging.AddSimpleConsole(simple =>
            {
                simple.SingleLine = true;
                simple.UseUtcTimestamp = true;
                simple.TimestampFormat = TimestampFormat;
                simple.ColorBehavior = LoggerColorBehavior.Disabled;
            });
        Bound(builder.Services);
        builder.Logging.AddFilter("Microsoft", LogLevel.Warning);
        builder.Logging.AddFilter("System", LogLevel.Warning);
        builder.Logging.AddFilter("Grpc", LogLevel.Warning);
        QuietFailedStart(builder);
    }

    /// <summary>Puts the console's provider behind one that keeps noise out.</summary>
    private static void Bound(IServiceCollection services)
    {
        services.Remove(services.Single(s => s.ServiceType == typeof(ILoggerProvider)
            && s.ImplementationType == typeof(ConsoleLoggerProvider)));
        services.AddSingleton<ILoggerProvider>(
            provider => new BoundedLoggerProvider(ActivatorUtilities.CreateInstance<ConsoleLoggerProvider>(provider), TimeProvider.System));
    }

    /// <summary>
    /// A start that fails is told once, in one line, by <see cref="HostRunner"/>; the host's own stack traces only hide it.
    /// </summary>
    private static void QuietFailedStart(WebApplicationBuilder builder)
    {
        var started = new StartedFlag();
        builder.Services.AddSingleton<IHostedService>(started);
        foreach (var category in (string[])["Microsoft.Extensions.Hosting.Internal.Host", "Microsoft.AspNetCore.Server.Kestrel"])
            builder.Logging.AddFilter(category, level => started.Value && level >= LogLevel.Warning);
    }

    private static bool Wanted() =>
        Environment.GetEnvironmentVariable("QUORUMMESH_LOG_JSON") is "1" or "true"
        || Environment.GetCommandLineArgs().Contains("--log-json");

    private sealed class StartedFlag : IHostedLifecycleService
    {
        public volatile bool Value;

        public Task StartedAsync(CancellationToken cancellationToken)
        {
            Value = true;
            return Task.CompletedTask;
        }

        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
