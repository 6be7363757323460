using System.Diagnostics;
using System.Text.Json;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.Tests.Shared.Managers;
using QuorumMesh.TxManager.Configuration;
using QuorumMesh.TxManager.Hosting;

namespace QuorumMesh.TxManager.Tests.Hosting;

/// <summary>Configurations and start scripts of a Tessera, as they are found.</summary>
public sealed class TesseraConfigTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("qmtess").FullName;
    private readonly string _q2t = $"http://127.0.0.1:{Participant.FreePort()}/";

    /// <summary>No server ENCLAVE: manager and enclave are one process.</summary>
    [Fact]
    public async Task Keys_without_an_enclave_server_are_held_by_the_manager_itself()
    {
        var app = await ManagerHost.StartAsync(
            ManagerConfig.Read(new CommandLineSettings(WriteConfig(Keys.Private[0], Keys.S.ToBase64()), [])), new Seams(), default);
        try
        {
            using var http = new HttpClient { Timeout = Wait.Limit };
            using var content = new StringContent("""{"payload":"aGVsbG8="}""", System.Text.Encoding.UTF8, "application/json");
            using var sent = await http.PostAsync(_q2t + "send", content);
            Assert.Equal(201, (int)sent.StatusCode);
            var hash = JsonDocument.Parse(await sent.Content.ReadAsByteArrayAsync()).RootElement.GetProperty("key").GetString()!;
            var found = JsonDocument.Parse(await http.GetStringAsync($"{_q2t}transaction/{Uri.EscapeDataString(hash)}")).RootElement;
            Assert.Equal("aGVsbG8=", found.GetProperty("payload").GetString());
            Assert.Equal(Keys.S.ToBase64(), await http.GetStringAsync($"{_q2t}transaction/{Uri.EscapeDataString(hash)}/participants"));
        }
        finally
        {
            await app.StopAsync();
            await app.DisposeAsync();
        }
    }

    [Fact]
    public async Task Keys_that_cannot_be_used_stop_the_start_with_their_place()
    {
        var options = ManagerConfig.Read(new CommandLineSettings(WriteConfig(Keys.Private[1], Keys.S.ToBase64()), []));
        var e = await Assert.ThrowsAsync<OptionsException>(() => ManagerHost.StartAsync(options, new Seams(), default));
        Assert.Contains("keys.keyData[0]", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Keys.Private[1], e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Start_script_of_a_Tessera_works()
    {
        var config = WriteConfig(Keys.Private[0], Keys.S.ToBase64());
        var pidFile = Path.Combine(_directory, "tm.pid");
        using var process = Start(
            "-configfile", config, "--jdbc.url", "jdbc:sqlite:" + Path.Combine(_directory, "other.db"), "-o",
            "peer[0].url=http://127.0.0.1:1", "--useWhiteList=false", "-pidfile", pidFile, "--debug");
        var output = process.StandardOutput.ReadToEndAsync();
        try
        {
            using var http = new HttpClient { Timeout = Wait.Limit };
            await Wait.UntilAsync(async () =>
            {
                try
                {
                    return await http.GetStringAsync(_q2t + "upcheck") == "I'm up!";
                }
                catch (HttpRequestException)
                {
                    return false;
                }
            }, "the manager answers");
            Assert.Equal(process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture), await File.ReadAllTextAsync(pidFile));
            Assert.True(File.Exists(Path.Combine(_directory, "other.db")));
        }
        finally
        {
            using var kill = Process.Start("kill", ["-TERM", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
            await process.WaitForExitAsync().WaitAsync(Wait.Limit);
        }

        await output;
        Assert.False(File.Exists(pidFile));
    }

    [Theory]
    [InlineData("version", 0, "")]
    [InlineData("help", 0, "")]
    [InlineData("keygen", 2, "qmesh keys new")]
    [InlineData("-updatepassword", 2, "keyupdate")]
    [InlineData("--recover", 2, "-configfile")]
    public async Task Other_calls_of_Tesseras_are_answered(string call, int code, string said)
    {
        using var process = Start(call);
        var output = process.StandardOutput.ReadToEndAsync();
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync().WaitAsync(Wait.Limit);
        Assert.Equal(code, process.ExitCode);
        Assert.Contains(said, error, StringComparison.Ordinal);
        Assert.Equal(code == 0, (await output).Length > 0);
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    private static Process Start(params string[] arguments) => Process.Start(new ProcessStartInfo(
        "dotnet", [Path.Combine(AppContext.BaseDirectory, "quorummesh-txmanager.dll"), .. arguments])
    {
        RedirectStandardError = true,
        RedirectStandardOutput = true,
    })!;

    private string WriteConfig(string privateKey, string publicKey)
    {
        var file = Path.Combine(_directory, "tm.json");
        File.WriteAllText(file, JsonSerializer.Serialize(new
        {
            mode = "tessera",
            jdbc = new { username = "sa", password = "", url = "jdbc:sqlite:" + Path.Combine(_directory, "tm.db") },
            serverConfigs = new object[]
            {
                new { app = "Q2T", serverAddress = _q2t.TrimEnd('/'), communicationType = "REST" },
                new
                {
                    app = "P2P", serverAddress = $"http://127.0.0.1:{Participant.FreePort()}", sslConfig = new { tls = "OFF" },
                    communicationType = "REST",
                },
            },
            peer = Array.Empty<object>(),
            keys = new { keyData = new[] { new { privateKey, publicKey } } },
            alwaysSendTo = Array.Empty<string>(),
        }));
        return file;
    }
}
