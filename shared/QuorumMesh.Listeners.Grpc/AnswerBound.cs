using Google.Protobuf;
using Grpc.Core;
using Grpc.Core.Interceptors;

namespace QuorumMesh.Listeners.Grpc;

/// <summary>Finds room for an answer before it is written: later none could be refused with a status.</summary>
internal sealed class AnswerBound : Interceptor
{
    public override async Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        var answer = await continuation(request, context).ConfigureAwait(false);
        if (answer is IMessage message) context.GetHttpContext().Features.Get<BoundedCall>()?.Hold(message.CalculateSize());
        return answer;
    }
}
