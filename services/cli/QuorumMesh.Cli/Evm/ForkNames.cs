using QuorumMesh.Evm;

namespace QuorumMesh.Cli.Evm;

/// <summary>Fork names as test files and command lines write them, in any case.</summary>
internal static class ForkNames
{
    private static readonly Dictionary<string, Fork> _aliases = new(StringComparer.OrdinalIgnoreCase)
    {
        ["EIP150"] = Fork.TangerineWhistle,
        ["EIP158"] = Fork.SpuriousDragon,
        ["ConstantinopleFix"] = Fork.Petersburg,
        ["Merge"] = Fork.Paris,
    };

    public static bool TryParse(string name, out Fork fork)
    {
        if (_aliases.TryGetValue(name, out fork)) return true;
        return name.Length > 0 && char.IsLetter(name[0]) && Enum.TryParse(name, ignoreCase: true, out fork) && Enum.IsDefined(fork);
    }

    public static Fork Parse(string name) => TryParse(name, out Fork fork)
        ? fork
        : throw new CommandException($"unknown fork '{name}': use one of {string.Join(", ", Enum.GetNames<Fork>()).ToLowerInvariant()}");
}
