namespace QuorumMesh.ServiceDefaults;

/// <summary>One line of <c>/readyz</c>. Liveness never asks these.</summary>
/// <param name="check">
/// Null when ready, else a reason an operator can act on. Must be quick: it is cut off after two seconds.
/// </param>
public sealed class ReadinessCheck(string name, Func<CancellationToken, ValueTask<string?>> check)
{
    public ReadinessCheck(string name, Func<string?> check)
        : this(name, _ => ValueTask.FromResult(check()))
    {
    }

    public string Name => name;

    public ValueTask<string?> Check(CancellationToken cancellation) => check(cancellation);
}
