using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;
using QuorumMesh.Contracts;
using QuorumMesh.Listeners;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Distribution;

namespace QuorumMesh.TxManager.Rest;

/// <summary>Failures as Tessera answers them: plain text, the message alone (tessera 0.3).</summary>
internal static class ErrorAnswer
{
    /// <param name="template">Of the path, for the log: what a caller writes in a path is not logged.</param>
    public static Task WriteAsync(RestCall call, Exception failure, string template, ILogger log)
    {
        if (call.Context.Response.HasStarted)
        {
            call.Context.Abort();
            return Task.CompletedTask;
        }

        switch (failure)
        {
            case PrivacyException e:
                return WriteAsync(call, e);
            case BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge }:
                return call.TextAsync(StatusCodes.Status413PayloadTooLarge, "The body is larger than this manager takes");
            case BadHttpRequestException e:
                return call.TextAsync(e.StatusCode, e.Message);
            case WireFormatException e:
                return call.TextAsync(StatusCodes.Status500InternalServerError, $"Unable to decode the body: {e.Message}");
            case BudgetExceededException e:
                return call.TextAsync(StatusCodes.Status503ServiceUnavailable, e.Message);
            case TimeoutException e when e.InnerException is OperationCanceledException:
                return call.TextAsync(StatusCodes.Status408RequestTimeout, e.Message);
            case OperationCanceledException:
                return call.TextAsync(StatusCodes.Status503ServiceUnavailable, "The request took too long or the manager is stopping");
            default:
                log.LogError(failure, "Request {Method} {Path} failed", call.Context.Request.Method, template);
                return call.TextAsync(StatusCodes.Status500InternalServerError, "Internal error; the manager's log says more");
        }
    }

    /// <returns>Null for what is no refusal of a payload.</returns>
    public static int? StatusOf(Exception failure) => failure switch
    {
        PrivacyException e => Status(e.Failure),
        WireFormatException => StatusCodes.Status500InternalServerError,
        BudgetExceededException => StatusCodes.Status503ServiceUnavailable,
        _ => null,
    };

    private static Task WriteAsync(RestCall call, PrivacyException e)
    {
        switch (e.Failure)
        {
            case Failure.PeerOffline or Failure.PeerUnresponsive:
                // The cause stands in the status line, as with Tessera (tessera 13.2), and in the body, which GoQuorum shows.
                call.Context.Features.GetRequiredFeature<IHttpResponseFeature>().ReasonPhrase = e.Message.ReplaceLineEndings(" ");
                return call.TextAsync(StatusCodes.Status410Gone, e.Message);
            case Failure.Unproven:
                return call.EmptyAsync(StatusCodes.Status500InternalServerError);
            case Failure.Missing:
                call.Context.Response.Headers[RestHeaders.Availability] = RestHeaders.Missing;
                break;
        }

        return call.TextAsync(Status(e.Failure), e.Message);
    }

    private static int Status(Failure failure) => failure switch
    {
        Failure.BadRequest => StatusCodes.Status400BadRequest,
        Failure.Forbidden => StatusCodes.Status403Forbidden,
        Failure.TooLarge => StatusCodes.Status413PayloadTooLarge,
        Failure.KeyNotFound or Failure.NotFound or Failure.Missing => StatusCodes.Status404NotFound,
        Failure.Busy or Failure.NoRoom or Failure.EnclaveUnavailable or Failure.StoreUnavailable => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status500InternalServerError,
    };
}
