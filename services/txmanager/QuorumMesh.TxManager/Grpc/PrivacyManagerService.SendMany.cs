using System.Threading.Channels;
using Grpc.Core;
using QuorumMesh.Contracts.Privacy;
using QuorumMesh.TxManager.Core;

namespace QuorumMesh.TxManager.Grpc;

/// <summary>Several sends in one message, each with its own outcome: one that takes long holds up no other.</summary>
public sealed partial class PrivacyManagerService
{
    public override Task SendMany(SendManyRequest request, IServerStreamWriter<SendManyReply> stream, ServerCallContext context) =>
        RpcFailure.MapAsync(async () =>
        {
            if (request.Sends.Count > MaxSends)
                throw new PrivacyException(Failure.BadRequest, $"a message has at most {MaxSends} sends, not {request.Sends.Count}");
            var outcomes = Channel.CreateUnbounded<SendOutcome>(new UnboundedChannelOptions { SingleReader = true });
            var sends = Task.WhenAll(request.Sends.Select((send, index) => SettleAsync(send, index, outcomes.Writer, context)));
            try
            {
                for (var left = request.Sends.Count; left > 0;)
                    left -= await TellAsync(outcomes.Reader, request.KnownSequence, stream, context).ConfigureAwait(false);
            }
            finally
            {
                // What they work on is counted for this call until it ends.
                await sends.ConfigureAwait(false);
            }

            return true;
        });

    /// <returns>How many were told: all that are there when the first is.</returns>
    private async Task<int> TellAsync(
        ChannelReader<SendOutcome> outcomes, long known, IServerStreamWriter<SendManyReply> stream, ServerCallContext context)
    {
        var reply = new SendManyReply();
        reply.Outcomes.Add(await outcomes.ReadAsync(context.CancellationToken).ConfigureAwait(false));
        while (outcomes.TryRead(out var next))
            reply.Outcomes.Add(next);
        reply.Database = await DatabaseAsync(known, context).ConfigureAwait(false);
        await stream.WriteAsync(reply, context.CancellationToken).ConfigureAwait(false);
        return reply.Outcomes.Count;
    }

    private async Task SettleAsync(SendRequest send, int index, ChannelWriter<SendOutcome> outcomes, ServerCallContext context)
    {
        var outcome = new SendOutcome { Index = index };
        try
        {
            outcome.Reply = await SendAsync(send, context).ConfigureAwait(false);
        }
        catch (Exception e) when (RpcFailure.StatusOf(e) is { } refusal)
        {
            (outcome.Status, outcome.Detail) = ((int)refusal.StatusCode, refusal.Detail);
        }
        catch
        {
            // In gRPC's words for a call of its own; the call of all of them ends with the exception, once it has told the others, and gRPC
            // logs it.
            (outcome.Status, outcome.Detail) = ((int)StatusCode.Unknown, "Exception was thrown by handler.");
            throw;
        }
        finally
        {
            outcomes.TryWrite(outcome);
        }
    }
}
