using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Grpc.Core;
using Grpc.Net.Client;
using QuorumMesh.Contracts.Privacy;
using QuorumMesh.Tests.Shared;
using QuorumMesh.Tests.Shared.Managers;

namespace QuorumMesh.TxManager.Tests.Hosting;

/// <summary>The host as a process of its own.</summary>
public sealed class ProcessTests(TestNetwork network) : IClassFixture<TestNetwork>
{
    private static Process Start(params string[] arguments) => Process.Start(new ProcessStartInfo(
        "dotnet", [Path.Combine(AppContext.BaseDirectory, "quorummesh-txmanager.dll"), .. arguments])
    {
        RedirectStandardError = true,
        RedirectStandardOutput = true,
    })!;

    private static async Task<(int Code, string Error)> RunAsync(params string[] arguments)
    {
        using var process = Start(arguments);
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEndAsync();
        using var limit = new CancellationTokenSource(Wait.Limit);
        await process.WaitForExitAsync(limit.Token);
        await output;
        return (process.ExitCode, await error);
    }

    [Fact]
    public async Task Failed_starts_end_with_one_line()
    {
        var (code, error) = await RunAsync();
        Assert.Equal(2, code);
        Assert.Contains("-configfile", Assert.Single(error.Trim().Split('\n')), StringComparison.Ordinal);

        (code, error) = await RunAsync("-configfile", "/nowhere/tm.json");
        Assert.Equal(1, code);
        Assert.Contains("/nowhere/tm.json", Assert.Single(error.Trim().Split('\n')), StringComparison.Ordinal);

        // B runs already: its socket and its ports are taken.
        (code, error) = await RunAsync("-configfile", network.B.ConfigFile);
        Assert.Equal(1, code);
        Assert.Contains("tm.ipc", Assert.Single(error.Trim().Split('\n')), StringComparison.Ordinal);

        using var taken = new TcpListener(System.Net.IPAddress.Loopback, 0);
        taken.Start();
        (code, error) = await RunAsync(
            "-configfile", network.B.ConfigFile, "-o", $"serverConfigs[0].serverAddress=http://{taken.LocalEndpoint}", "-o",
                "jdbc.url=jdbc:sqlite:port.db",
            "-o", $"quorummesh.grpc=http://127.0.0.1:{Participant.FreePort()}", "-o",
                $"quorummesh.healthUrl=http://127.0.0.1:{Participant.FreePort()}");
        Assert.Equal(1, code);
        Assert.Contains(taken.LocalEndpoint.ToString()!, Assert.Single(error.Trim().Split('\n')), StringComparison.Ordinal);
    }

    /// <summary>Beside the running manager.</summary>
    [Fact]
    public async Task Verify_reads_the_store_and_its_exit_code_tells()
    {
        var (code, error) = await RunAsync("verify", "-configfile", network.A.ConfigFile);
        Assert.Equal((0, string.Empty), (code, error));

        (code, error) = await RunAsync("verify", "-configfile", network.A.ConfigFile, "-o", "jdbc.url=jdbc:sqlite:none.db");
        Assert.Equal(1, code);
        Assert.Contains("none.db", Assert.Single(error.Trim().Split('\n')), StringComparison.Ordinal);

        (code, error) = await RunAsync("verify");
        Assert.Equal(2, code);
        Assert.Contains("-configfile", Assert.Single(error.Trim().Split('\n')), StringComparison.Ordinal);
    }

    /// <summary>Loading EF and building its model would cost a start more than everything else.</summary>
    [Theory]
    [InlineData("jdbc:sqlite:new.db")]
    [InlineData(null)]
    public async Task A_start_on_a_new_or_current_database_does_without_EF(string? database)
    {
        await network.C.StopManagerAsync();
        string[] change = database is null ? [] : ["-o", "jdbc.url=" + database];
        await using (var run = new ServiceRun("quorummesh-txmanager", ["-configfile", network.C.ConfigFile, .. change]))
        {
            await run.WaitReadyAsync(network.C.Health);
            var mapped = run.Mapped;
            Assert.Contains("Microsoft.Data.Sqlite", mapped, StringComparison.Ordinal);
            // Its provider is loaded with the first context; EF's own base classes may be as soon as code that names them is compiled.
            Assert.DoesNotContain("EntityFrameworkCore.Sqlite", mapped, StringComparison.Ordinal);
            await run.StopsAsync();
        }

        await network.C.StartManagerAsync();
    }

    [Fact]
    public async Task Stopped_it_ends_in_time_whoever_is_connected()
    {
        await network.B.StopManagerAsync();
        await using (var run = new ServiceRun("quorummesh-txmanager", ["-configfile", network.B.ConfigFile]))
        {
            await run.WaitReadyAsync(network.B.Health);
            using var limit = new CancellationTokenSource(Wait.Limit);
            using var channel = network.B.GrpcChannel();
            using var watch = new PrivacyManager.PrivacyManagerClient(channel).Watch(new WatchRequest(), cancellationToken: limit.Token);
            var hash = await network.SendRawAsync(network.B, "so that the watch has begun");
            Assert.True(await watch.ResponseStream.MoveNext(limit.Token));
            Assert.NotEmpty(hash);
            const string half = "POST /sendraw HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nContent-Length: "
                + "1000\r\n\r\nhalf";
            await run.StallAsync(new UnixDomainSocketEndPoint(network.B.Socket), half);
            await run.StallAsync(new IPEndPoint(IPAddress.Loopback, new Uri(network.B.P2P).Port),
                half.Replace("sendraw", "push", StringComparison.Ordinal));
            await run.StallAsync(new IPEndPoint(IPAddress.Loopback, new Uri(network.B.Health).Port), "GET /readyz HTTP/1.1\r\nHost:");
            await run.StopsAsync();
        }

        await network.B.StartManagerAsync();
    }

    [Fact]
    public async Task Killed_at_any_moment_nothing_acknowledged_is_lost()
    {
        await network.C.StopManagerAsync();
        var acknowledged = new ConcurrentBag<(string Hash, string Payload)>();
        for (var round = 0; round < 3; round++)
        {
            using var process = Start("-configfile", network.C.ConfigFile);
            try
            {
                process.OutputDataReceived += (_, _) => { };
                process.BeginOutputReadLine();
                await network.WaitForMeshAsyncOrRetry();
                var target = acknowledged.Count + 60;
                using var stop = new CancellationTokenSource();
                Task[] senders = [.. Enumerable.Range(0, 8).Select(i => SendUntilDeadAsync(acknowledged, i, round, stop.Token))];
                await Wait.UntilAsync(() => Task.FromResult(acknowledged.Count >= target), "sixty acknowledged sends");
                process.Kill();
                await stop.CancelAsync();
                await Task.WhenAll(senders);
            }
            finally
            {
                process.Kill();
                await process.WaitForExitAsync();
            }
        }

        await network.C.StartManagerAsync();
        foreach (var (hash, payload) in acknowledged)
        {
            foreach (var party in new[] { network.A, network.C })
            {
                using var received = await network.ReceiveRawAsync(party, hash);
                Assert.Equal(payload, await received.Content.ReadAsStringAsync());
            }
        }
    }

    /// <summary>C sends to A and A to C: C is the one that dies.</summary>
    private async Task SendUntilDeadAsync(ConcurrentBag<(string, string)> acknowledged, int sender, int round, CancellationToken stop)
    {
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            var payload = $"{round}/{sender}/{i}";
            var (from, to) = sender % 2 == 0 ? (network.C, network.A) : (network.A, network.C);
            try
            {
                using var answer = await network.PostRawAsync(from, payload, to);
                var text = await answer.Content.ReadAsStringAsync(CancellationToken.None);
                if (answer.IsSuccessStatusCode)
                    acknowledged.Add((text, payload));
            }
            catch (HttpRequestException)
            {
                // It is dead.
            }
        }
    }
}
