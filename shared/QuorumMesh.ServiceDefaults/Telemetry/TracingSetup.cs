using Microsoft.Extensions.DependencyInjection;
using OpenTelemetry;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace QuorumMesh.ServiceDefaults.Telemetry;

/// <summary>Traces leave the process only when OTEL_EXPORTER_OTLP_ENDPOINT is set.</summary>
internal static class TracingSetup
{
    public static void Apply(IServiceCollection services, string serviceName, ServiceDefaultsOptions options)
    {
        var endpoint = Environment.GetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT");
        if (string.IsNullOrWhiteSpace(endpoint))
            return;
        OptionRules.HttpUrl("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint);
        services.AddOpenTelemetry()
            .ConfigureResource(resource => resource.AddService($"quorummesh-{serviceName}"))
            .WithTracing(tracing => tracing
                .AddSource("QuorumMesh*")
                // The gRPC client's own spans lie between ours and those of its HTTP requests: without them every tree ends there.
                .AddSource("Grpc.Net.Client")
                .AddSource([.. options.ActivitySources])
                .AddAspNetCoreInstrumentation(
                    web => web.Filter = context => context.Request.Path.Value is not ("/livez" or "/readyz" or "/metrics"))
                .AddHttpClientInstrumentation()
                .AddOtlpExporter());
    }
}
