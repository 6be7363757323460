namespace QuorumMesh.Node.Runtime;

/// <summary>An answer on its way out: the core names it, and the pass delivers it once everything that it rests on is durable.</summary>
public abstract record NodeAnswer
{
    private protected NodeAnswer() { }

    /// <summary>Lets whoever asked go on. Called once, by what carries the effects of a pass out.</summary>
    public abstract void Deliver();

    /// <summary>What a question was answered with.</summary>
    public sealed record Of<T>(Reply<T> To, T Value) : NodeAnswer
    {
        public override void Deliver() => To.Set(Value);
    }

    /// <summary>Why a question has no answer.</summary>
    public sealed record Refusal<T>(Reply<T> To, Exception Reason) : NodeAnswer
    {
        public override void Deliver() => To.Refuse(Reason);
    }
}

/// <summary>The answer to what only wants to know that it was taken in.</summary>
public readonly record struct Taken;

/// <summary>
/// Names who waits for an answer. It goes through the core with the input that asks, and comes back with the <see cref="NodeAnswer"/>.
/// </summary>
public sealed class Reply<T>
{
    // The loop delivers: what goes on with the answer must not run on its thread.
    private readonly TaskCompletionSource<T> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<T> Task => _source.Task;

    /// <summary>The answer, awaited where the asker runs.</summary>
    /// <exception cref="OperationCanceledException">It is waited for no longer.</exception>
    public async Task<T> WaitAsync(CancellationToken cancellation)
    {
        // Not Task.WaitAsync, which goes on by way of the thread pool.
        using var registration = cancellation.UnsafeRegister(
            static (source, token) => ((TaskCompletionSource<T>)source!).TrySetCanceled(token), _source);
        return await _source.Task;
    }

    internal void Set(T value) => _source.TrySetResult(value);

    internal void Refuse(Exception reason) => _source.TrySetException(reason);
}
