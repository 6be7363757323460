namespace QuorumMesh.ServiceDefaults;

/// <summary>One line of <c>/readyz</c>. Liveness never asks these.</summary>
public interface IReadinessCheck
{
    string Name { get; }

    /// <summary>Null when ready, else a reason an operator can act on. Must be quick: it is cut off after two seconds.</summary>
    ValueTask<string?> Check(CancellationToken cancellation);
}

/// <summary>A check made of a delegate.</summary>
public sealed class ReadinessCheck(string name, Func<CancellationToken, ValueTask<string?>> check) : IReadinessCheck
{
    public ReadinessCheck(string name, Func<string?> check)
        : this(name, _ => ValueTask.FromResult(check()))
    {
    }

    public string Name => name;

    public ValueTask<string?> Check(CancellationToken cancellation) => check(cancellation);
}
