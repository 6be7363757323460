using System.Diagnostics;
using System.Text.RegularExpressions;

namespace QuorumMesh.EndToEnd.Peers;

/// <summary>The GoQuorum program that the tests are run against.</summary>
internal static partial class GoQuorum
{
    public const string Variable = "QUORUMMESH_GOQUORUM";

    public static string? Missing => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 }
        ? null : $"{Variable} names no geth of GoQuorum 2.5 to 21.1: run by make test-peers";

    public static string Program => Environment.GetEnvironmentVariable(Variable)!;

    /// <summary>Of GoQuorum, as 2.5.0.</summary>
    public static string Version { get; } = ReadVersion();

    /// <summary>2.5 knows no fork after Constantinople.</summary>
    public static bool EndsWithConstantinople => Version.StartsWith("2.5.", StringComparison.Ordinal);

    /// <summary>Runs a command to its end.</summary>
    public static string Run(params string[] arguments)
    {
        var start = new ProcessStartInfo(Program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        if (!process.WaitForExit(LocalNetwork.Patience)) process.Kill();
        process.WaitForExit();
        Assert.True(process.ExitCode == 0, $"{Program} {string.Join(' ', arguments)}: {errors.Result}");
        return output.Result;
    }

    private static string ReadVersion()
    {
        var output = Run("version");
        var match = QuorumVersion().Match(output);
        Assert.True(match.Success, $"{Variable} names no GoQuorum: {output}");
        return match.Groups[1].Value;
    }

    [GeneratedRegex(@"Quorum Version: (\S+)")]
    private static partial Regex QuorumVersion();
}
