namespace QuorumMesh.Chain.Tracing;

/// <summary>A trace would be larger than the bound on what is kept and answered.</summary>
public sealed class TraceTooLargeException(long bound) : Exception(
    $"the trace is larger than {bound} bytes: ask for less, with disableStack, disableMemory, disableStorage or limit, one transaction at "
        + "a time, or with callTracer");

/// <summary>What the traces of one request may still come to, in bytes of JSON, roughly.</summary>
public sealed class TraceBudget
{
    private readonly long _bound;
    private long _left;

    public TraceBudget(long bound) => (_bound, _left) = (bound, bound);

    /// <exception cref="TraceTooLargeException"/>
    public void Take(long bytes)
    {
        _left -= bytes;
        if (_left < 0) throw new TraceTooLargeException(_bound);
    }
}
