using System.Threading.RateLimiting;
using QuorumMesh.Node.Rpc.Engine;

namespace QuorumMesh.Node.Rpc.Access;

/// <summary>
/// How many calls a caller may make in a second, those of batches one by one; as many may come at once after a rest. Callers who rest are
/// forgotten.
/// </summary>
public sealed class CallRates : IDisposable
{
    private readonly PartitionedRateLimiter<string> _limiter;
    private readonly int _perSecond;
    private readonly string _what;

    /// <param name="perSecond">At least 1.</param>
    /// <param name="what">What is counted, for the refusal.</param>
    public CallRates(int perSecond, string what = "calls")
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(perSecond);
        (_perSecond, _what) = (perSecond, what);
        // Ten times a second where that is a whole number of calls.
        var (tokens, period) = perSecond % 10 == 0 ? (perSecond / 10, TimeSpan.FromMilliseconds(100))
            : (perSecond, TimeSpan.FromSeconds(1));
        _limiter = PartitionedRateLimiter.Create<string, string>(caller => RateLimitPartition.GetTokenBucketLimiter(caller,
            _ => new TokenBucketRateLimiterOptions
            {
                TokenLimit = perSecond,
                TokensPerPeriod = tokens,
                ReplenishmentPeriod = period,
                QueueLimit = 0,
                AutoReplenishment = true,
            }));
    }

    /// <returns>Null when the call may be made now.</returns>
    public CallRefusedException? Refuse(string caller)
    {
        using var lease = _limiter.AttemptAcquire(caller);
        return lease.IsAcquired ? null
            : new CallRefusedException(CallRefusal.TooMany, $"more than {_perSecond} {_what} in a second: try again later");
    }

    public void Dispose() => _limiter.Dispose();
}
