using QuorumMesh.Node.Runtime.Ports;

namespace QuorumMesh.Node.Runtime;

/// <summary>What lies outside of a node: a host gives the real things, a simulation its own.</summary>
public sealed record NodeSeams
{
    public required IPeerNetwork Peers { get; init; }

    public required ITransactionManager Manager { get; init; }

    /// <summary>All waits go by it.</summary>
    public required TimeProvider Clock { get; init; }

    /// <summary>
    /// Milliseconds of <see cref="Clock"/>, as <c>GetElapsedTime(0)</c>: asked at every call of a contract, by which a block that takes too
    /// long is stopped. Null asks the clock itself.
    /// </summary>
    public Func<long>? Elapsed { get; init; }

    /// <summary>The way into the node's mailbox for what keeps the node going; false when it is full. Called from the background.</summary>
    public required Func<NodeInput, bool> Post { get; init; }

    /// <summary>As <see cref="Post"/>, for transactions of peers.</summary>
    public required Func<NodeInput, bool> PostBulk { get; init; }

    /// <summary>Runs what waits for manager and peers.</summary>
    public TaskScheduler Background { get; init; } = TaskScheduler.Default;
}
