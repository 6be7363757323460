using System.Reflection.Emit;

namespace QuorumMesh.Evm.Compiler;

/// <summary>64 bits of a word: known while compiling, or in a local.</summary>
internal readonly record struct Limb(ulong Constant, LocalBuilder? Local)
{
    public static Limb Zero => default;

    public static Limb Of(ulong constant) => new(constant, null);

    public static Limb In(LocalBuilder local) => new(0, local);

    public bool IsConstant => Local is null;

    public bool Is(ulong value) => IsConstant && Constant == value;
}
