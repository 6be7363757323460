using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using QuorumMesh.Listeners;

namespace QuorumMesh.Node.Rpc.Engine;

/// <summary>Answers JSON-RPC 2.0 messages, whatever transport brought them. Thread safe.</summary>
public sealed partial class RpcEngine(RpcMethodTable table, RpcLimits limits, Func<Exception, string?> describe, ILogger logger)
{
    private readonly JsonReaderOptions _options = new() { MaxDepth = limits.MaxDepth };

    public RpcLimits Limits => limits;

    public RpcMethodTable Table => table;

    /// <summary>
    /// Answers one message, a request or a batch, into an empty <paramref name="response"/>; nothing is written for
    /// notifications.
    /// </summary>
    /// <returns>What to run once the answer is on its way, or null.</returns>
    public ValueTask<List<Action>?> ProcessAsync(ReadOnlyMemory<byte> message, RpcResponse response, RpcSession session,
        CancellationToken cancellation)
    {
        if (JsonText.Refuse(message.Span) is { } noText)
        {
            WriteError(response, default, RpcErrorCode.Parse, $"parse error: {noText}");
            return default;
        }
        RpcEnvelope[] batch;
        RpcEnvelope single;
        bool isBatch;
        try
        {
            (isBatch, single, batch) = Parse(message);
        }
        catch (JsonException e)
        {
            WriteError(response, default, RpcErrorCode.Parse, $"parse error: {Reason(e)}");
            return default;
        }
        catch (RpcException e)
        {
            WriteError(response, default, e.Code, e.Message);
            return default;
        }
        return isBatch ? BatchAsync(batch, response, session, cancellation) : SingleAsync(single, response, session, cancellation);
    }

    /// <summary>An error without a request, for transports.</summary>
    public static void WriteError(RpcResponse response, ReadOnlyMemory<byte> id, int code, string message, string? data = null)
    {
        BeginAnswer(response, id.IsEmpty ? "null"u8 : id.Span, "error"u8);
        response.IsEnvelope = true;
        var json = response.Json;
        json.WriteStartObject();
        json.WriteNumber("code"u8, code);
        json.WriteString("message"u8, message);
        if (data is not null) json.WriteString("data"u8, data);
        json.WriteEndObject();
        EndAnswer(response);
    }

    private (bool IsBatch, RpcEnvelope Single, RpcEnvelope[] Batch) Parse(ReadOnlyMemory<byte> message)
    {
        var reader = new Utf8JsonReader(message.Span, _options);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartArray)
        {
            var single = RpcEnvelope.Read(ref reader, message, table);
            reader.Read();
            return (false, single, []);
        }
        var calls = new List<RpcEnvelope>();
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            if (calls.Count >= limits.MaxBatch)
                throw new RpcException(RpcErrorCode.InvalidRequest,
                $"batch too large, at most {limits.MaxBatch} requests are answered at once");
            calls.Add(RpcEnvelope.Read(ref reader, message, table));
        }
        reader.Read();
        return calls.Count > 0 ? (true, default, [.. calls]) : throw new RpcException(RpcErrorCode.InvalidRequest, "empty batch");
    }

    private async ValueTask<List<Action>?> SingleAsync(RpcEnvelope envelope, RpcResponse response, RpcSession session,
        CancellationToken cancellation)
    {
        var call = new RpcCall(session, response.Json, limits.MaxDepth, cancellation);
        if (await ExecuteAsync(envelope, call, response).ConfigureAwait(false) is CallRefusedException refused)
            response.Refusal = refused.Refusal;
        return call.TakeAfterResponse() as List<Action>;
    }

    private async ValueTask<List<Action>?> BatchAsync(RpcEnvelope[] batch, RpcResponse response, RpcSession session,
        CancellationToken cancellation)
    {
        List<Action>? after = null;
        var call = new RpcCall(session, response.Json, limits.MaxDepth, cancellation);
        response.Raw("["u8);
        for (var next = 0; next < batch.Length;)
        {
            var length = TogetherFrom(batch, next, session);
            if (length > 1 && response.Length <= limits.MaxBatchResponse)
                await ExecuteTogetherAsync(new(batch, next, length), call, response).ConfigureAwait(false);
            else
                await ExecuteInBatchAsync(batch[next], call, response).ConfigureAwait(false);
            next += length;
            if (call.TakeAfterResponse() is { } actions) (after ??= []).AddRange(actions);
        }
        // A batch of nothing but notifications has no answer.
        if (response.Length == 1) response.Truncate(0);
        else response.Raw("]"u8);
        return after;
    }

    private async ValueTask ExecuteInBatchAsync(RpcEnvelope envelope, RpcCall call, RpcResponse response)
    {
        var start = response.Length;
        if (start > 1) response.Raw(","u8);
        var mark = response.Length;
        if (response.Length > limits.MaxBatchResponse && !envelope.Id.IsEmpty)
            WriteError(response, envelope.Id, RpcErrorCode.ResponseTooLarge, "response too large");
        else
            await ExecuteAsync(envelope, call, response).ConfigureAwait(false);
        if (response.Length == mark) response.Truncate(start);
    }

    /// <returns>The error that was answered, or would have been to a request with an id.</returns>
    private async ValueTask<RpcException?> ExecuteAsync(RpcEnvelope envelope, RpcCall call, RpcResponse response)
    {
        var mark = response.Length;
        var isNotification = envelope.Id.IsEmpty;
        var started = Stopwatch.GetTimestamp();
        var error = envelope.Invalid is { } why ? new RpcException(RpcErrorCode.InvalidRequest, why) : null;
        if (error is null)
        {
            BeginAnswer(response, envelope.Id.Span, "result"u8);
            error = await RunAsync(envelope, call).ConfigureAwait(false);
        }
        if (error is null && !isNotification)
        {
            EndAnswer(response);
        }
        else
        {
            response.Truncate(mark);
            if (error is not null && !isNotification) WriteError(response, envelope.Id, error.Code, error.Message, error.ErrorData);
        }
        RpcMetrics.Record(envelope.Method?.Name, error is null, Stopwatch.GetElapsedTime(started));
        return error;
    }

    private async ValueTask<RpcException?> RunAsync(RpcEnvelope envelope, RpcCall call)
    {
        var name = envelope.Method?.Name ?? envelope.MethodText ?? "";
        if (call.Session.Refuse(name) is { } refused) return refused;
        if (envelope.Method is not { } method || !call.Session.IsOpen(method)) return RpcException.UnknownMethod(name);
        using var span = RpcTraces.Start(method);
        try
        {
            call.Begin(envelope.Id, envelope.Parameters, method);
            await method.Handler(call).ConfigureAwait(false);
            return null;
        }
        catch (Exception e)
        {
            return ErrorOf(e, method);
        }
    }

    private RpcException ErrorOf(Exception e, RpcMethod method)
    {
        if (e is RpcException told) return told;
        if (e is OperationCanceledException) return new RpcException("request cancelled");
        if (describe(e) is { } text) return new RpcException(text);
        logger.LogError(e, "JSON-RPC method {Method} failed", method.Name);
        return new RpcException(RpcErrorCode.Internal, "internal error: see the node's log");
    }

    private static void BeginAnswer(RpcResponse response, ReadOnlySpan<byte> id, ReadOnlySpan<byte> member)
    {
        response.Raw("{\"jsonrpc\":\"2.0\",\"id\":"u8);
        response.Raw(id);
        response.Raw(",\""u8);
        response.Raw(member);
        response.Raw("\":"u8);
    }

    /// <summary>What the JSON writer still holds back has its place already, or is the end of an error.</summary>
    private static void EndAnswer(RpcResponse response)
    {
        response.IsEnvelope = true;
        response.Json.Flush();
        response.Json.Reset(response);
        response.Raw("}"u8);
    }

    /// <summary>The parser's own words without the position, which it repeats.</summary>
    private static string Reason(JsonException e)
    {
        var cut = e.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return cut < 0 ? e.Message : $"{e.Message[..cut]} (at byte {e.BytePositionInLine} of line {e.LineNumber})";
    }
}
