using Microsoft.Extensions.Logging;
using QuorumMesh.Node.Rpc.Calls;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Outbound;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Api;

/// <summary>eth_sendTransactionAsync: answers at once, and posts what came of it to the caller's own URL.</summary>
internal sealed class EthAsyncApi(TransactionSender sender, OutboundHandlers handlers, ILogger logger) : IRpcApi
{
    private const int MaxConcurrent = 100;
    private static readonly TimeSpan CallbackTimeout = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan SendTimeout = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim _slots = new(MaxConcurrent, MaxConcurrent);
    private readonly HttpClient _http = new(handlers.Create(OutboundLimits.Callback)) { Timeout = CallbackTimeout };

    public void Register(RpcMethodTable table) => table.Add("eth_sendTransactionAsync", 1, Send);

    private void Send(RpcCall call)
    {
        var arguments = call.Read(0, SendTransactionArguments.Read);
        Uri? callback = null;
        if (arguments.CallbackUrl is { Length: > 0 } url
            && !(Uri.TryCreate(url, UriKind.Absolute, out callback) && callback.Scheme is "http" or "https"))
            throw new RpcException("callbackUrl is not an http or https URL");
        if (!_slots.Wait(0)) throw new RpcException("too many concurrent requests");
        var id = call.Id.ToArray();
        var agent = call.Session.UserAgent;
        _ = Task.Run(() => RunAsync(id, arguments, agent, callback));
        call.Result.Value(default(Hash256));
    }

    private async Task RunAsync(byte[] id, SendTransactionArguments arguments, string? userAgent, Uri? callback)
    {
        try
        {
            using var timeout = new CancellationTokenSource(SendTimeout);
            Hash256? hash = null;
            string? error = null;
            try
            {
                hash = await sender.SendAsync(arguments, null, userAgent, timeout.Token).ConfigureAwait(false);
            }
            catch (Exception e)
            {
                error = e.Message;
            }
            if (callback is not null) await ReportAsync(callback, id, hash, error).ConfigureAwait(false);
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException)
        {
            logger.LogWarning("The callback of eth_sendTransactionAsync to {Host} failed: {Reason}", callback?.Host, e.Message);
        }
        finally
        {
            _slots.Release();
        }
    }

    private async Task ReportAsync(Uri callback, byte[] id, Hash256? hash, string? error)
    {
        using var message = RpcResponse.Rent();
        var json = message.Json;
        json.WriteStartObject();
        json.WritePropertyName("id"u8);
        json.WriteRawValue(id.Length == 0 ? "null"u8 : id);
        if (hash is { } done) json.Value("txHash"u8, done);
        else json.WriteString("error"u8, error);
        json.WriteEndObject();
        json.Flush();
        using var content = new ByteArrayContent(message.Written.ToArray());
        content.Headers.ContentType = new("application/json");
        using var answer = await _http.PostAsync(callback, content).ConfigureAwait(false);
    }
}
