using System.Diagnostics;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using QuorumMesh.TxManager.Rest.OpenApi;

namespace QuorumMesh.TxManager.Rest;

/// <summary>
/// One of Tessera's REST applications (P2P, Q2T, ThirdParty) with its routes. Routing is on the raw request target: a hash in base64 comes
/// as one percent-encoded segment, and an encoded slash must not split it.
/// </summary>
public sealed class RestApp(string name, RestLimits limits, ILogger log)
{
    private readonly List<RestRoute> _routes = [];

    public string Name { get; } = name;

    public IReadOnlyList<RestRoute> Routes => _routes;

    /// <summary>Answers 401 without a body when it says no.</summary>
    public Func<HttpContext, bool>? Admits { get; set; }

    public CorsPolicy? Cors { get; set; }

    /// <param name="template">Segments, each literal or {name}.</param>
    public RestApp Map(string method, string template, RouteNote note, Func<RestCall, Task> handler)
    {
        _routes.Add(new RestRoute(method, template, note, handler));
        return this;
    }

    public RestApp Get(string template, RouteNote note, Func<RestCall, Task> handler) => Map("GET", template, note, handler);

    public RestApp Post(string template, RouteNote note, Func<RestCall, Task> handler) => Map("POST", template, note, handler);

    /// <summary>The middleware: finds the route, bounds the body, and turns failures into Tessera's statuses.</summary>
    public async Task HandleAsync(HttpContext context)
    {
        var start = Stopwatch.GetTimestamp();
        var template = "unknown";
        using var call = new RestCall(context, limits);
        try
        {
            if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
                // The call bounds what it reads. Kestrel's own limit would end the connection with the body unread, and the reset can
                // overtake the answer that names the limit.
                limit.MaxRequestBodySize = null;

            if (Admits is { } admits && !admits(context))
            {
                await call.EmptyAsync(StatusCodes.Status401Unauthorized).ConfigureAwait(false);
                return;
            }

            if (Cors is { } cors && cors.Apply(context))
            {
                await call.EmptyAsync(StatusCodes.Status200OK).ConfigureAwait(false);
                return;
            }

            var route = Find(call, out var allow);
            template = route?.Template ?? template;
            if (route is not null && !AcceptedTypes.Include(context.Request.Headers.Accept.ToString()))
            {
                await call.TextAsync(StatusCodes.Status406NotAcceptable, "HTTP 406 Not Acceptable").ConfigureAwait(false);
                return;
            }

            await (route?.Handler(call) ?? RefuseAsync(call, allow)).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The caller went away; nobody reads an answer.
        }
        catch (Exception e)
        {
            await ErrorAnswer.WriteAsync(call, e, template, log).ConfigureAwait(false);
        }
        finally
        {
            RestMetrics.Record(Name, template, context.Response.StatusCode, Stopwatch.GetElapsedTime(start));
        }
    }

    private static Task RefuseAsync(RestCall call, string? allow)
    {
        if (allow is null)
            return call.TextAsync(StatusCodes.Status404NotFound, "HTTP 404 Not Found");
        call.Context.Response.Headers.Allow = allow;
        return call.TextAsync(StatusCodes.Status405MethodNotAllowed, "HTTP 405 Method Not Allowed");
    }

    private RestRoute? Find(RestCall call, out string? allow)
    {
        allow = null;
        var segments = call.Segments;
        var method = call.Context.Request.Method;
        foreach (var route in _routes)
        {
            if (!route.Matches(segments))
                continue;
            // HEAD is answered as GET; the server leaves the body out.
            if (route.Method == method || (route.Method == HttpMethods.Get && HttpMethods.IsHead(method)))
            {
                call.Bind(route.Segments);
                return route;
            }

            allow = allow is null ? route.Method : $"{allow}, {route.Method}";
        }

        return null;
    }
}
