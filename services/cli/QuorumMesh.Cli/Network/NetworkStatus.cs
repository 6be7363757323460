using QuorumMesh.Outbound;
using Spectre.Console;

namespace QuorumMesh.Cli.Network;

/// <summary>A table of the services of a network: process, readiness, and why a service is not ready.</summary>
internal static class NetworkStatus
{
    /// <returns>Whether every service runs and is ready.</returns>
    public static async Task<bool> PrintAsync(NetworkRunner runner, CancellationToken cancel)
    {
        using var http = new HttpClient(new OutboundHandlers().Create(OutboundLimits.Local)) { Timeout = TimeSpan.FromSeconds(5) };
        var table = new Table().AddColumns("service", "process", "ready");
        var all = true;
        foreach (var service in runner.Services)
        {
            var pid = service.RunningPid;
            var reason = pid is null ? "-" : await ReadinessAsync(http, service, cancel).ConfigureAwait(false);
            all &= reason == "yes";
            table.AddRow(service.Name, pid?.ToString() ?? "stopped", Markup.Escape(reason));
        }
        AnsiConsole.Write(table);
        return all;
    }

    private static async Task<string> ReadinessAsync(HttpClient http, ServiceProcess service, CancellationToken cancel)
    {
        try
        {
            using var answer = await http.GetAsync(service.HealthUrl + "/readyz?verbose", cancel).ConfigureAwait(false);
            if (answer.IsSuccessStatusCode) return "yes";
            var lines = (await answer.Content.ReadAsStringAsync(cancel).ConfigureAwait(false)).Split('\n');
            return string.Join("; ", lines.Where(l => l.StartsWith("[-]", StringComparison.Ordinal)));
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException && !cancel.IsCancellationRequested)
        {
            return "no: " + e.Message;
        }
    }
}
