using System.Diagnostics;
using QuorumMesh.Chain;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Engine;

public sealed partial class RpcEngine
{
    /// <summary>How many calls of a batch run together, from one on: those of the same method, if it takes several at once.</summary>
    private static int TogetherFrom(RpcEnvelope[] batch, int first, RpcSession session)
    {
        if (batch[first] is not { Invalid: null, Method: { Together: not null } method } || !session.IsOpen(method)) return 1;
        var end = first + 1;
        while (end < batch.Length && batch[end].Invalid is null && batch[end].Method == method) end++;
        return end - first;
    }

    /// <summary>Reads every call first, submits what could be read, and then writes the answers in the order of the calls.</summary>
    private async ValueTask ExecuteTogetherAsync(ArraySegment<RpcEnvelope> run, RpcCall call, RpcResponse response)
    {
        var method = run[0].Method!;
        var started = Stopwatch.GetTimestamp();
        var errors = new Exception?[run.Count];
        var transactions = new List<Transaction>(run.Count);
        using (RpcTraces.Start(method))
        {
            for (var i = 0; i < errors.Length; i++) errors[i] = Read(run[i], call, transactions);
            await SubmitAsync(method.Together!, transactions, call, errors).ConfigureAwait(false);
        }
        var elapsed = Stopwatch.GetElapsedTime(started) / run.Count;
        var next = 0;
        for (var i = 0; i < errors.Length; i++)
        {
            // One that could not be read is not among the transactions.
            var hash = errors[i] is UnreadException ? default : transactions[next++].Hash;
            Write(run[i], errors[i], hash, response);
            RpcMetrics.Record(method.Name, errors[i] is null, elapsed);
        }
    }

    private static UnreadException? Read(in RpcEnvelope envelope, RpcCall call, List<Transaction> transactions)
    {
        try
        {
            if (call.Session.Refuse(envelope.Method!.Name) is { } refused) return new UnreadException(refused);
            call.Begin(envelope.Id, envelope.Parameters, envelope.Method!);
            transactions.Add(envelope.Method!.Together!.Read(call));
            return null;
        }
        catch (Exception e)
        {
            return new UnreadException(e);
        }
    }

    /// <summary>Fills in why those that could be read are refused.</summary>
    private static async ValueTask SubmitAsync(RpcTogether together, List<Transaction> transactions, RpcCall call, Exception?[] errors)
    {
        if (transactions.Count == 0) return;
        IReadOnlyList<Exception?>? refused = null;
        Exception? failed = null;
        try
        {
            refused = await together.SubmitAsync(transactions, call.Session, call.Cancellation).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            failed = e;
        }
        var next = 0;
        for (var i = 0; i < errors.Length; i++)
            if (errors[i] is null) errors[i] = failed ?? refused![next++];
    }

    private void Write(in RpcEnvelope envelope, Exception? error, in Hash256 hash, RpcResponse response)
    {
        if (envelope.Id.IsEmpty) return;
        if (response.Length > 1) response.Raw(","u8);
        if (error is null)
        {
            BeginAnswer(response, envelope.Id.Span, "result"u8);
            response.Json.Value(hash);
            EndAnswer(response);
            return;
        }
        var told = ErrorOf(error is UnreadException { InnerException: { } cause } ? cause : error, envelope.Method!);
        WriteError(response, envelope.Id, told.Code, told.Message, told.ErrorData);
    }

    /// <summary>A call whose arguments are no transaction, or whose caller may not make it.</summary>
    private sealed class UnreadException(Exception cause) : Exception(cause.Message, cause);
}
