using Google.Protobuf;
using Grpc.Core;
using QuorumMesh.Contracts.Privacy;

namespace QuorumMesh.Listeners.Grpc.Tests;

/// <summary>
/// Gives as many bytes as it is asked for, and events, a pause of <c>after_sequence</c> ms apart, until nobody takes them.
/// </summary>
internal sealed class FakeManager : PrivacyManager.PrivacyManagerBase
{
    public override Task<StoreReply> Store(StoreRequest request, ServerCallContext context) =>
        Task.FromResult(new StoreReply
        { Hash = ByteString.CopyFromUtf8(request.Payload.Length.ToString(System.Globalization.CultureInfo.InvariantCulture)) });

    /// <summary>What each answer takes while it is made, beside itself; it is made once <see cref="Made"/> is over.</summary>
    public long Work { get; set; }

    public Task Made { get; set; } = Task.CompletedTask;

    public override async Task<ReceiveReply> Receive(ReceiveRequest request, ServerCallContext context)
    {
        if (!GrpcListener.Work(context).TryAdd(Work))
            throw new RpcException(new Status(StatusCode.ResourceExhausted, "no room to work"));
        await Made.WaitAsync(context.CancellationToken);
        return new ReceiveReply { Answers = { new PayloadAnswer { Payload = ByteString.CopyFrom(new byte[request.MaxBytes]) } } };
    }

    /// <summary>Streams that ended.</summary>
    public int Ended { get; private set; }

    public override async Task Watch(WatchRequest request, IServerStreamWriter<WatchEvent> stream, ServerCallContext context)
    {
        try
        {
            while (!context.CancellationToken.IsCancellationRequested)
            {
                await stream.WriteAsync(new WatchEvent { Hash = ByteString.CopyFrom(new byte[64]) });
                if (request.AfterSequence > 0)
                    await Task.Delay(TimeSpan.FromMilliseconds(request.AfterSequence), context.CancellationToken);
            }
        }
        finally
        {
            Ended++;
        }
    }
}
