namespace QuorumMesh.Node.Runtime;

/// <summary>One pass of the writer loop: what host, simulation and tests all run.</summary>
internal static class NodePass
{
    /// <param name="ticksDue">How many ticks of 50 ms are due, asked for once the inputs are handled.</param>
    /// <param name="carryOut">Called with effects as they come: everything that had to be durable before them is durable.</param>
    /// <returns>
    /// When the next pass must come even without an input, in <see cref="NodeTime.Milliseconds"/>; null when nothing is waited for.
    /// </returns>
    public static long? Run(NodeCore core, NodeTime now, IReadOnlyList<NodeInput> inputs, Func<int> ticksDue, Action<NodeEffects> carryOut)
    {
        var trace = core.TracePrivate();
        core.Begin(now);
        core.ReadAhead(inputs);
        foreach (var input in inputs) core.Handle(input);
        for (var ticks = ticksDue(); ticks > 0; ticks--) core.Tick();
        // Before a long block what is ready goes out: heartbeats and votes must not wait for an execution.
        while (core.Advance() is { } early) carryOut(early);
        // What consensus and chain need is durable after this. The journal is flushed beside the loop: answers and broadcasts that rest on
        // it are effects of their own (JournalledEffects), which leave after that flush.
        var effects = core.Complete();
        trace?.Invoke();
        carryOut(effects);
        return effects.WakeAt;
    }
}
