using System.Diagnostics;

namespace QuorumMesh.Tests.Shared.Managers;

/// <summary>
/// A fact that stands for all tests of its class on PostgreSQL: skipped, and so told, where none is installed. In CI it fails there.
/// </summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class PostgresFactAttribute : FactAttribute
{
    public PostgresFactAttribute() =>
        Skip = PostgresServer.BinDirectory is null && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("CI"))
        ? "PostgreSQL is not installed (apt-get install postgresql): no test of the store on it ran"
        : null;
}

/// <summary>A PostgreSQL of its own on a free loopback port; skipped where none is installed, except in CI.</summary>
public sealed class PostgresServer : IAsyncLifetime
{
    private readonly string _directory = Path.Combine(Path.GetTempPath(), "qmpg" + Guid.NewGuid().ToString("N")[..10]);
    private bool _started;

    public string? SkipReason { get; private set; }

    public string ConnectionString { get; private set; } = string.Empty;

    public static string? BinDirectory => Directory.Exists("/usr/lib/postgresql")
        ? Directory.GetDirectories("/usr/lib/postgresql").Select(d => Path.Combine(d, "bin")).Where(d =>
            File.Exists(Path.Combine(d, "initdb"))).Max()
        : null;

    public async Task InitializeAsync()
    {
        if (BinDirectory is null)
        {
            Assert.True(Environment.GetEnvironmentVariable("CI") is null or "",
                "PostgreSQL is not installed; CI needs it (apt-get install postgresql)");
            SkipReason = "PostgreSQL is not installed";
            return;
        }

        var port = FreePorts.One();
        Directory.CreateDirectory(_directory);
        var isRoot = Environment.UserName == "root";
        if (isRoot)
            await RunAsync("chown", ["postgres", _directory]);
        await AsPostgresAsync(isRoot, "initdb", ["-D", _directory + "/data", "-U", "postgres", "-A", "trust", "--no-sync"]);
        await AsPostgresAsync(isRoot, "pg_ctl",
            ["-D", _directory + "/data", "-w", "-t", "60", "-l", _directory
                + "/log", "-o", $"-p {port} -c listen_addresses=127.0.0.1 -c fsync=off -k {_directory}", "start"]);
        _started = true;
        ConnectionString = $"Host=127.0.0.1;Port={port};Username=postgres;Database=postgres";
    }

    public async Task DisposeAsync()
    {
        if (_started)
            await AsPostgresAsync(Environment.UserName == "root", "pg_ctl", ["-D", _directory + "/data", "-m", "immediate", "stop"]);
        if (Directory.Exists(_directory))
            Directory.Delete(_directory, recursive: true);
    }

    private static Task AsPostgresAsync(bool isRoot, string program, string[] arguments)
    {
        var path = Path.Combine(BinDirectory!, program);
        return isRoot ? RunAsync("runuser", ["-u", "postgres", "--", path, .. arguments]) : RunAsync(path, arguments);
    }

    private static async Task RunAsync(string program, string[] arguments)
    {
        // No pipes: the server would inherit them and keep them open.
        using var process = Process.Start(
            new ProcessStartInfo("/bin/sh", ["-c", "exec \"$@\" >/dev/null 2>&1 </dev/null", "sh", program, .. arguments])
            {
                WorkingDirectory = "/",
            })!;
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(120));
        await process.WaitForExitAsync(limit.Token);
        Assert.True(process.ExitCode == 0, $"{program} ended with {process.ExitCode}");
    }
}
