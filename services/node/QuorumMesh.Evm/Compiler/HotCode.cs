namespace QuorumMesh.Evm.Compiler;

/// <summary>Byte code that has run often enough to be compiled.</summary>
public sealed class HotCode
{
    private readonly Code _code;
    private readonly Fork _fork;
    private readonly CodeCache _home;

    internal HotCode(Code code, Fork fork, CodeCache home) => (_code, _fork, _home) = (code, fork, home);

    /// <summary>There is no room for it now: it may become hot again, and is then offered again. Any thread.</summary>
    public void Decline() => _code.Cool(_fork);

    /// <summary>In bytes.</summary>
    public int Length => _code.Length;

    /// <summary>
    /// Compiles it for frames opened from now on and those in long loops; takes milliseconds to a second. Any thread, once; false
    /// when it is over the compiler's limits.
    /// </summary>
    public bool Compile() => _code.Compile(_fork, CompilerLimits.Default, _home) is not null;
}
