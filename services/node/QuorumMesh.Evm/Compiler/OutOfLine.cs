using System.Reflection;

namespace QuorumMesh.Evm.Compiler;

/// <summary>
/// What compiled code calls, by opcode: the methods of <see cref="EvmMachine.CompiledOps"/>. Charging ones take the stack pointer
/// (above the top word) and the gas left and give the gas left, negative when the frame fails with its status set; plain ones
/// cannot fail.
/// </summary>
internal static class OutOfLine
{
    private static readonly MethodInfo?[] _charging = new MethodInfo?[256];
    private static readonly MethodInfo?[] _plain = new MethodInfo?[256];

    static OutOfLine()
    {
        foreach (MethodInfo method in typeof(EvmMachine.CompiledOps)
            .GetMethods(BindingFlags.Static | BindingFlags.Public | BindingFlags.DeclaredOnly))
        {
            if (!Enum.TryParse(method.Name, out Opcode opcode)) continue;
            (method.ReturnType == typeof(long) ? _charging : _plain)[(byte)opcode] = method;
        }
    }

    /// <summary>Continues a frame in the interpreter until it ends or opens a child.</summary>
    public static MethodInfo Interpret { get; } = Find(nameof(EvmMachine.CompiledOps.Interpret));

    /// <summary>The offset to jump to, or -1.</summary>
    public static MethodInfo CheckJump { get; } = Find(nameof(EvmMachine.CompiledOps.CheckJump));

    /// <summary>Looks whether the run is to be stopped, and begins to count backward jumps anew.</summary>
    public static MethodInfo Pause { get; } = Find(nameof(EvmMachine.CompiledOps.Pause));

    /// <summary>True once when the last call has opened a child frame.</summary>
    public static MethodInfo TakeChildOpened { get; } = Find(nameof(EvmMachine.CompiledOps.TakeChildOpened));

    public static MethodInfo MultiplyHigh { get; } = Find(nameof(EvmMachine.CompiledOps.MultiplyHigh));

    public static MethodInfo? Charging(Opcode opcode) => _charging[(byte)opcode];

    public static MethodInfo Plain(Opcode opcode) =>
        _plain[(byte)opcode] ?? throw new InvalidOperationException($"the compiler has no form of {opcode}");

    private static MethodInfo Find(string name) =>
        typeof(EvmMachine.CompiledOps).GetMethod(name, BindingFlags.Static | BindingFlags.Public)!;
}
