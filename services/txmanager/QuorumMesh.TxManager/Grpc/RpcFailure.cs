using Grpc.Core;
using QuorumMesh.TxManager.Core;

namespace QuorumMesh.TxManager.Grpc;

/// <summary>Failures as gRPC statuses.</summary>
internal static class RpcFailure
{
    public static async Task<T> MapAsync<T>(Func<Task<T>> call)
    {
        try
        {
            return await call().ConfigureAwait(false);
        }
        catch (Exception e) when (StatusOf(e) is { } status)
        {
            throw new RpcException(status);
        }
    }

    /// <returns>Null for a fault of our own, which is gRPC's to log.</returns>
    public static Status? StatusOf(Exception failure) => failure switch
    {
        PrivacyException e => new Status(Code(e.Failure), e.Message),
        OperationCanceledException => new Status(StatusCode.Cancelled, "The call was cancelled"),
        _ => null,
    };

    private static StatusCode Code(Failure failure) => failure switch
    {
        Failure.BadRequest or Failure.TooLarge => StatusCode.InvalidArgument,
        Failure.Forbidden => StatusCode.PermissionDenied,
        Failure.KeyNotFound or Failure.NotFound or Failure.Missing => StatusCode.NotFound,
        Failure.PeerOffline or Failure.PeerUnresponsive or Failure.PeerRefused => StatusCode.FailedPrecondition,
        Failure.Busy or Failure.EnclaveUnavailable or Failure.StoreUnavailable => StatusCode.Unavailable,
        Failure.NoRoom => StatusCode.ResourceExhausted,
        Failure.Damaged => StatusCode.DataLoss,
        _ => StatusCode.Internal,
    };
}
