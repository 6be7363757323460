using System.Text;

namespace QuorumMesh.ServiceDefaults.Health;

/// <summary>Runs every check side by side and words the outcome.</summary>
internal sealed class ReadinessReport(IEnumerable<ReadinessCheck> checks)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(2);
    private readonly ReadinessCheck[] _checks = [.. checks];

    public async Task<(bool Ready, string Text)> BuildAsync(CancellationToken cancellation)
    {
        var reasons = await Task.WhenAll(_checks.Select(check => RunAsync(check, cancellation))).ConfigureAwait(false);
        var ready = true;
        var text = new StringBuilder();
        for (var i = 0; i < _checks.Length; i++)
        {
            var reason = reasons[i];
            ready &= reason is null;
            text.Append(reason is null ? $"[+]{_checks[i].Name} ok\n" : $"[-]{_checks[i].Name}: {OneLine(reason)}\n");
        }

        text.Append(ready ? "ready\n" : "not ready\n");
        return (ready, text.ToString());
    }

    private static async Task<string?> RunAsync(ReadinessCheck check, CancellationToken cancellation)
    {
        using var limited = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        limited.CancelAfter(Limit);
        try
        {
            return await check.Check(limited.Token).AsTask().WaitAsync(limited.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            return $"no answer within {Limit.TotalSeconds} s";
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            return e.Message;
        }
    }

    private static string OneLine(string reason) => reason.ReplaceLineEndings(" ");
}
