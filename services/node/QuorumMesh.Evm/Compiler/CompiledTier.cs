namespace QuorumMesh.Evm.Compiler;

/// <summary>The process-wide switch of the compiled tier; compiled bodies live in the process-wide code cache.</summary>
public static class CompiledTier
{
    /// <summary>
    /// Takes code that has become hot, on the thread that runs it: it must return at once, and declines what it has no room for (<see cref="HotCode.Decline"/>). Null, as at start, leaves
    /// everything interpreted.
    /// </summary>
    public static Action<HotCode>? Scheduler { get; set; }
}
