using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using QuorumMesh.ServiceDefaults;

namespace QuorumMesh.ServiceDefaults.Tests;

public class HostRunnerTests
{
    [Fact]
    public async Task A_port_in_use_is_one_line()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var builder = WebApplication.CreateSlimBuilder();
        builder.AddServiceDefaults("test", o => o.HealthUrl = $"http://{taken.LocalEndpoint}");
        await using var app = builder.Build();
        var error = await Assert.ThrowsAnyAsync<IOException>(() => app.StartAsync());
        var line = HostRunner.Describe(error);
        Assert.Contains("address already in use; stop what listens there or choose another port", line);
    }

    [Fact]
    public void Expected_failures_are_told_and_defects_are_not_hidden()
    {
        Assert.Equal("--port: is required", HostRunner.Describe(new OptionsException("--port", "is required")));
        Assert.Equal("no file 'g.json'", HostRunner.Describe(new FileNotFoundException("x", "g.json")));
        Assert.Equal("wrong genesis", HostRunner.Describe(new StartupException("wrong genesis")));
        Assert.Null(HostRunner.Describe(new NullReferenceException()));
    }

    [Fact]
    public async Task Exit_codes_tell_the_kind_of_failure()
    {
        Assert.Equal(0, await HostRunner.RunAsync("t", () => Task.CompletedTask));
        Assert.Equal(7, await HostRunner.RunAsync("t", () => Task.FromResult(7)));
        Assert.Equal(1, await HostRunner.RunAsync("t", () => Task.FromException(new OptionsException("k", "bad"))));
        Assert.Equal(2, await HostRunner.RunAsync("t", () => Task.FromException(new UsageException("bad"))));
        await Assert.ThrowsAsync<InvalidOperationException>(
            () => HostRunner.RunAsync("t", () => Task.FromException(new InvalidOperationException())));
    }

    [Theory]
    [InlineData("http://127.0.0.1:80", true)]
    [InlineData("http://localhost:0", true)]
    [InlineData("unix:/tmp/x.sock", true)]
    [InlineData("http://0.0.0.0:1", false)]
    [InlineData("http://[::1]:5", true)]
    public void Addresses_are_read(string text, bool loopback) => Assert.Equal(loopback, ListenAddress.Parse("k", text).IsLoopback);

    [Theory]
    [InlineData(null)]
    [InlineData("127.0.0.1:80")]
    [InlineData("unix:")]
    [InlineData("ftp://127.0.0.1:1")]
    public void Bad_addresses_name_the_option(string? text) =>
        Assert.StartsWith("--listen: ", Assert.Throws<OptionsException>(() => ListenAddress.Parse("--listen", text)).Message);

    [Fact]
    public void A_socket_path_too_long_is_refused() =>
        Assert.Contains("longer than 107 bytes",
            Assert.Throws<OptionsException>(() => ListenAddress.Parse("k", "unix:/" + new string('x', 120))).Message);

    [Fact]
    public void Rules_name_the_key()
    {
        Assert.Equal(8545, OptionRules.Port("k", "8545"));
        Assert.StartsWith("--p: ", Assert.Throws<OptionsException>(() => OptionRules.Port("--p", "70000")).Message);
        Assert.StartsWith("--p: ", Assert.Throws<OptionsException>(() => OptionRules.Port("--p", "x")).Message);
        Assert.StartsWith("--d: ", Assert.Throws<OptionsException>(() => OptionRules.WritableDirectory("--d", "/proc/x")).Message);
        Assert.Equal("ibft", OptionRules.OneOf("k", "IBFT", "raft", "ibft"));
        Assert.Contains("raft, ibft", Assert.Throws<OptionsException>(() => OptionRules.OneOf("k", "pow", "raft", "ibft")).Message);
    }
}
