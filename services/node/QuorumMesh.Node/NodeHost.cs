using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using QuorumMesh.Node.Accounts;
using QuorumMesh.Node.Network;
using QuorumMesh.Node.Rpc;
using QuorumMesh.Node.Runtime;
using QuorumMesh.ServiceDefaults;

namespace QuorumMesh.Node;

/// <summary>The process: health listener, node, RPC; ends when asked to, or when the node cannot go on.</summary>
internal static class NodeHost
{
    public static async Task<int> RunAsync(NodeSettings settings, CancellationToken cancel)
    {
        var builder = ServiceHost.CreateBuilder();
        builder.AddServiceDefaults("node", options =>
        {
            options.HealthUrl = settings.HealthUrl ?? "http://127.0.0.1:0";
            options.LogJson = settings.LogJson;
        });
        builder.Logging.SetMinimumLevel(Level(settings.Verbosity));
        NodeComposition? node = null;
        foreach (var (name, check) in NodeReadiness.Checks(() => node, settings))
            builder.Services.AddReadinessCheck(name, check);
        var app = builder.Build();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel, app.Lifetime.ApplicationStopping);
        using var deadline = StopDeadline.Arm("quorummesh-node", stop.Token);
        await using var owned = app;
        app.MapServiceDefaults();
        var loggers = app.Services.GetRequiredService<ILoggerFactory>();
        await app.StartAsync(cancel).ConfigureAwait(false);
        try
        {
            node = await NodeComposition.OpenAsync(settings, loggers, stop.Token).ConfigureAwait(false);
            ServiceNotice.Ready();
            await Task.WhenAny(node.Ended, Task.Delay(Timeout.Infinite, stop.Token)).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return HostRunner.Ok; // stopped while it started
        }
        finally
        {
            ServiceNotice.Stopping();
            if (node is not null)
            {
                await node.HandOverAsync().ConfigureAwait(false);
                await node.DisposeAsync().ConfigureAwait(false);
            }
            await app.StopAsync(CancellationToken.None).ConfigureAwait(false);
        }
        if (node.Ended.IsFaulted && node.Ended.Exception.InnerException is NodeHaltedException halted)
            throw new StartupException(halted.Message);
        await node.Ended.ConfigureAwait(false);
        return 0;
    }

    private static LogLevel Level(int verbosity) => verbosity switch
    {
        0 => LogLevel.None,
        1 => LogLevel.Error,
        2 => LogLevel.Warning,
        3 => LogLevel.Information,
        4 => LogLevel.Debug,
        _ => LogLevel.Trace,
    };
}
