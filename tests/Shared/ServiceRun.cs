using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;

namespace QuorumMesh.Tests.Shared;

/// <summary>A service as a process of its own, to be stopped as an orchestrator stops it.</summary>
internal sealed partial class ServiceRun : IAsyncDisposable
{
    private const int SigTerm = 15;

    /// <summary>For everything but the stop itself.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    /// <summary>Kubernetes kills at 30 s; a stop takes less than 5 s on a machine that is not busy.</summary>
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(25);

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly List<IDisposable> _clients = [];

    public ServiceRun(string program, IEnumerable<string> arguments)
    {
        _process = new Process
        {
            StartInfo = new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, program + ".dll"), .. arguments])
            {
                RedirectStandardError = true,
                RedirectStandardOutput = true,
            },
        };
        _process.OutputDataReceived += (_, line) => Note(line.Data);
        _process.ErrorDataReceived += (_, line) => Note(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public string Output
    {
        get
        {
            lock (_output) return _output.ToString();
        }
    }

    /// <summary>The files that the process has mapped: assemblies that it has loaded, native libraries.</summary>
    public string Mapped => File.ReadAllText($"/proc/{_process.Id}/maps");

    public async Task WaitReadyAsync(string healthUrl)
    {
        using var http = new HttpClient { Timeout = Patience };
        await UntilAsync(async () =>
        {
            try
            {
                using var answer = await http.GetAsync(healthUrl.TrimEnd('/') + "/readyz");
                return answer.IsSuccessStatusCode;
            }
            catch (HttpRequestException)
            {
                return false;
            }
        }, "ready");
    }

    /// <summary>A client that says this much and then stands still, its connection open.</summary>
    public async Task StallAsync(System.Net.EndPoint at, string begin)
    {
        var socket = new Socket(at.AddressFamily, SocketType.Stream, ProtocolType.Unspecified);
        _clients.Add(socket);
        await socket.ConnectAsync(at);
        await socket.SendAsync(Encoding.ASCII.GetBytes(begin));
    }

    public async Task UntilAsync(Func<Task<bool>> condition, string what)
    {
        for (var clock = Stopwatch.StartNew(); !await condition(); await Task.Delay(50))
            Assert.True(clock.Elapsed < Patience && !_process.HasExited, $"not in time: {what}\n{Output}");
    }

    /// <summary>Asks it to stop: it must end in time, in good order, without a stack trace.</summary>
    public async Task StopsAsync()
    {
        Assert.False(_process.HasExited, Output);
        Assert.Equal(0, SendSignal(_process.Id, SigTerm));
        using var limit = new CancellationTokenSource(StopLimit);
        await _process.WaitForExitAsync(limit.Token);
        Assert.True(_process.ExitCode == 0, $"exit code {_process.ExitCode}\n{Output}");
        Assert.DoesNotContain("Unhandled exception", Output, StringComparison.Ordinal);
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
        foreach (var client in _clients) client.Dispose();
    }

    private void Note(string? line)
    {
        lock (_output) _output.AppendLine(line);
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int SendSignal(int pid, int signal);
}
