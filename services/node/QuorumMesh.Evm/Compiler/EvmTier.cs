namespace QuorumMesh.Evm.Compiler;

/// <summary>How byte code is run. Both ways give the same status, gas, output, logs and state.</summary>
public enum EvmTier
{
    /// <summary>Compiled where a compiled body is there, interpreted otherwise.</summary>
    Auto,

    /// <summary>Never compiled.</summary>
    Interpreter,

    /// <summary>
    /// Deployed code is compiled at first use, on the calling thread; what is over the compiler's limits is interpreted. Init
    /// code always is.
    /// </summary>
    Compiled,
}
