using System.Diagnostics;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Tests;

/// <summary>The raft command in a process of its own; that it recovers a cluster is shown with a whole network.</summary>
public sealed class RaftCommandsTests : IDisposable
{
    private readonly TempDirectory _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public async Task A_recovery_makes_no_Raft_log_where_there_is_none()
    {
        var data = _temp.File("data");
        Directory.CreateDirectory(Path.Combine(data, "chaindata"));
        var start = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "quorummesh-node.dll"), "raft", "recover",
            "--datadir", data, "--who", "an operator", "--why", "burnt", "--dry-run"])
        { RedirectStandardError = true };
        using var process = Process.Start(start)!;
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var errors = await process.StandardError.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        Assert.NotEqual(0, process.ExitCode);
        Assert.Contains($"there is no Raft log in {Path.Combine(data, "raftlog")}", errors, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(data, "raftlog")));
    }
}
