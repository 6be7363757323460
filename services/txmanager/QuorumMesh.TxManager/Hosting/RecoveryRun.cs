using QuorumMesh.ServiceDefaults;
using QuorumMesh.TxManager.Configuration;
using QuorumMesh.TxManager.Core.Distribution;

namespace QuorumMesh.TxManager.Hosting;

/// <summary>
/// <c>--recover</c>: the manager listens for its peers alone, has them give back what they had to do with its keys, and ends (tessera 9.2).
/// </summary>
public static class RecoveryRun
{
    /// <param name="read">Reads the configuration.</param>
    /// <returns>The exit code: 0 all is back, 1 some of it, 2 nothing could be asked for, and so too where it cannot start.</returns>
    public static async Task<int> RunAsync(Func<ManagerOptions> read, CancellationToken cancel)
    {
        WebApplication app;
        try
        {
            var options = read();
            app = await ManagerHost.StartAsync(
                    options with { Recovers = true, Servers = [.. options.Servers.Where(s => s.Kind == AppKind.P2P)] }, new Seams(), cancel)
                .ConfigureAwait(false);
        }
        catch (Exception e) when (HostRunner.Describe(e) is { } line)
        {
            // 1 would say that a part is back.
            await Console.Error.WriteLineAsync($"quorummesh-txmanager: {line.ReplaceLineEndings(" ")}").ConfigureAwait(false);
            return (int)RecoveryResult.Failed;
        }

        await using (app.ConfigureAwait(false))
        {
            using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel, app.Lifetime.ApplicationStopping);
            var result = await RecoverAsync(app, stop.Token).ConfigureAwait(false);
            await app.StopAsync(CancellationToken.None).ConfigureAwait(false);
            return (int)result;
        }
    }

    private static async Task<RecoveryResult> RecoverAsync(WebApplication app, CancellationToken stop)
    {
        var log = app.Services.GetRequiredService<ILoggerFactory>().CreateLogger("QuorumMesh.TxManager.Recovery");
        var parts = app.Services.GetRequiredService<Composition>();
        parts.Recovery.Told += line => log.LogInformation("{Line}", line);
        parts.Intake.Told += line => log.LogWarning("{Line}", line);
        log.LogInformation(
            "Recovery begins: only the P2P address is served until it ends. What is stored is passed over, so that it can be run again");
        try
        {
            return await parts.Recovery.RunAsync(stop).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            log.LogWarning("Recovery was stopped: {Taken} payloads were given back and are stored. Run it again", parts.Intake.Taken);
            return RecoveryResult.Partial;
        }
    }
}
