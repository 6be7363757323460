using System.Text;
using Microsoft.AspNetCore.Http;
using QuorumMesh.Listeners;
using QuorumMesh.ServiceDefaults.Metrics;

namespace QuorumMesh.ServiceDefaults.Health;

/// <summary>The read-only paths for probes and Prometheus.</summary>
internal sealed class HealthEndpoints(ReadinessReport readiness, PrometheusCollector metrics, bool separateListener)
{
    private const string PlainText = "text/plain; charset=utf-8";

    public Task InvokeAsync(HttpContext context, RequestDelegate next)
    {
        var onHealthListener = context.Features.Get<HealthListenerFeature>() is not null;
        if (separateListener && !onHealthListener)
            return next(context);

        var path = context.Request.Path.Value ?? "";
        var known = path is "/livez" or "/readyz" or "/metrics";
        if (!known)
            return onHealthListener ? AnswerAsync(context, 404, "only /livez, /readyz and /metrics are here\n") : next(context);
        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
            return AnswerAsync(context, 405, "only GET is allowed\n");
        return path switch
        {
            "/livez" => AnswerAsync(context, 200, "ok\n"),
            "/readyz" => ReadyAsync(context),
            _ => AnswerAsync(context, 200, metrics.Write(), "text/plain; version=0.0.4; charset=utf-8"),
        };
    }

    private async Task ReadyAsync(HttpContext context)
    {
        var (ready, text) = await readiness.BuildAsync(context.RequestAborted).ConfigureAwait(false);
        var verbose = context.Request.Query.ContainsKey("verbose") || !ready;
        await AnswerAsync(context, ready ? 200 : 503, verbose ? text : "ready\n").ConfigureAwait(false);
    }

    private static async Task AnswerAsync(HttpContext context, int status, string text, string type = PlainText)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = type;
        context.Response.Headers.CacheControl = "no-store";
        if (!HttpMethods.IsHead(context.Request.Method))
            await BoundedAnswer.WriteAsync(context, Encoding.UTF8.GetBytes(text)).ConfigureAwait(false);
    }
}
